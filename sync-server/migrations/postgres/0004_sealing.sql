-- What is personal lies sealed with a key per person, wrapped by the master key, which is not in the database.
-- Removing a person destroys the key. What is personal in rows of before is sealed when the store is next opened.

CREATE TABLE person_keys (
    person  BYTEA NOT NULL PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE,
    wrapped BYTEA NOT NULL
);

-- One row, made when the store is first opened with a master key, which it thereby also proves. `done` says that
-- nothing of before the sealing is left open.
CREATE TABLE sealing (
    "only"      BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    media_key BYTEA NOT NULL,
    done      BIGINT NOT NULL
);

-- `name` is empty once `name_sealed` is there. `erase_on_expiry`: when the person's validity ends for good, the
-- person is erased, not only taken off the doors.
ALTER TABLE persons ADD COLUMN name_sealed BYTEA;
ALTER TABLE persons ADD COLUMN erase_on_expiry BIGINT NOT NULL DEFAULT 0;
CREATE INDEX persons_to_erase ON persons (valid_until) WHERE erase_on_expiry = 1;

-- 0: `embedding` lies open.
ALTER TABLE templates ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;

-- With what `jpeg` is sealed: 0 not at all, 1 the media key, 2 the key of the event's person.
ALTER TABLE event_crops ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;

-- Embeddings that came with events, apart from the record, which lists read.
CREATE TABLE event_embeddings (
    cursor    BIGINT NOT NULL PRIMARY KEY REFERENCES events (cursor) ON DELETE CASCADE,
    embedding BYTEA NOT NULL,
    sealed    BIGINT NOT NULL
);

-- The removal of a person for good, followed until every device has confirmed it. Nothing personal in it.
-- `at`: the person, the templates and the key were deleted. `cleared_at`: events no longer tell the person, and the
-- write-ahead log, where deleted bytes live on for a while, is empty. `completed_at`: nobody is outstanding.
CREATE TABLE erasures (
    id           BYTEA NOT NULL PRIMARY KEY,
    person       BYTEA NOT NULL UNIQUE,
    rev          BIGINT NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    events       BIGINT NOT NULL DEFAULT 0,
    cleared_at   BIGINT,
    completed_at BIGINT
);
CREATE INDEX erasures_open ON erasures (rev) WHERE completed_at IS NULL;

-- Who may have held the person: every device claimed by then. `key_then` is the key the device had; one confirmed by
-- another key was made anew meanwhile. What the device said and signed is kept as it came.
CREATE TABLE erasure_devices (
    erasure      BYTEA NOT NULL REFERENCES erasures (id),
    device       BYTEA NOT NULL REFERENCES devices (id),
    key_then     TEXT COLLATE "C",
    confirmed_at BIGINT,
    rev          BIGINT,
    digest       BYTEA,
    said_at      BIGINT,
    signature    BYTEA,
    key_pem      TEXT COLLATE "C",
    PRIMARY KEY (erasure, device)
);
CREATE INDEX erasure_devices_waiting ON erasure_devices (device) WHERE confirmed_at IS NULL;

-- The key a device's gallery chunks are sealed with; there is one once the device was given one.
CREATE TABLE gallery_keys (
    device  BYTEA NOT NULL PRIMARY KEY REFERENCES devices (id),
    id      BYTEA NOT NULL,
    wrapped BYTEA NOT NULL
);
