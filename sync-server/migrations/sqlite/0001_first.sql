-- The server's first tables. Ids are 16-byte UUIDs; times are milliseconds since 1970 in UTC.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY,
    login         TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sites (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE doors (
    id         BLOB    NOT NULL PRIMARY KEY,
    site       BLOB    NOT NULL REFERENCES sites (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (site, name)
) STRICT;

CREATE TABLE devices (
    id             BLOB    NOT NULL PRIMARY KEY,
    site           BLOB    NOT NULL REFERENCES sites (id),
    door           BLOB    NOT NULL REFERENCES doors (id),
    name           TEXT    NOT NULL UNIQUE,
    state          TEXT    NOT NULL,
    public_key_pem TEXT,
    created_at     INTEGER NOT NULL,
    claimed_at     INTEGER,
    config_version INTEGER NOT NULL DEFAULT 0,
    config_json    TEXT    NOT NULL DEFAULT '{}',
    presence_state TEXT    NOT NULL DEFAULT '',
    session        INTEGER NOT NULL DEFAULT 0,
    presence_since INTEGER,
    last_seen_at   INTEGER,
    version        TEXT    NOT NULL DEFAULT '',
    info_json      TEXT,
    health_json    TEXT,
    reported_json  TEXT,
    held_rev       INTEGER,
    held_digest    BLOB,
    held_persons   INTEGER,
    held_templates INTEGER,
    held_at        INTEGER
) STRICT;
CREATE INDEX devices_by_site ON devices (site);
CREATE INDEX devices_by_door ON devices (door);

-- At most one code is open per device; it is deleted when used.
CREATE TABLE claim_codes (
    device     BLOB    NOT NULL PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    code_hash  TEXT    NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE used_assertions (
    jti        BLOB    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_assertions_by_end ON used_assertions (expires_at);

CREATE TABLE persons (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    consent_at INTEGER,
    rev        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX persons_by_rev ON persons (rev);

-- What is left of a removed person, so that every device can be told: an id and a revision, nothing personal.
CREATE TABLE tombstones (
    person     BLOB    NOT NULL PRIMARY KEY,
    rev        INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tombstones_by_rev ON tombstones (rev);

CREATE TABLE templates (
    id            BLOB    NOT NULL PRIMARY KEY,
    person        BLOB    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    pack          TEXT    NOT NULL,
    angle         TEXT    NOT NULL,
    quality       REAL    NOT NULL,
    embedding     BLOB    NOT NULL,
    source_sha256 BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (person, pack, source_sha256)
) STRICT;
CREATE INDEX templates_by_pack ON templates (pack, person);

-- One row: the gallery's revision. It rises in the transaction of every change of templates.
CREATE TABLE gallery (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    rev  INTEGER NOT NULL
) STRICT;
INSERT INTO gallery (only, rev) VALUES (1, 0);

-- `cursor` rises in the order of commit, since there is one writer. `person` does not refer to `persons`:
-- an event outlives the person.
CREATE TABLE events (
    cursor    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id  BLOB    NOT NULL,
    device    BLOB    NOT NULL REFERENCES devices (id),
    site      BLOB    NOT NULL,
    door      BLOB    NOT NULL,
    stream    BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    person    BLOB,
    record    BLOB    NOT NULL,
    has_crop  INTEGER NOT NULL,
    UNIQUE (event_id, device)
) STRICT;
CREATE INDEX events_by_device ON events (device, cursor);
CREATE INDEX events_by_door ON events (door, cursor);
CREATE INDEX events_by_person ON events (person, cursor) WHERE person IS NOT NULL;
CREATE INDEX events_by_kind ON events (kind, cursor);

CREATE TABLE event_crops (
    cursor INTEGER NOT NULL PRIMARY KEY REFERENCES events (cursor) ON DELETE CASCADE,
    jpeg   BLOB    NOT NULL
) STRICT;

-- Which sequence numbers of each stream are stored: all up to `upto_seq`, and the ranges beyond holes.
CREATE TABLE streams (
    device   BLOB    NOT NULL REFERENCES devices (id),
    stream   BLOB    NOT NULL,
    upto_seq INTEGER NOT NULL,
    PRIMARY KEY (device, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE stream_ranges (
    device    BLOB    NOT NULL,
    stream    BLOB    NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    PRIMARY KEY (device, stream, first_seq),
    FOREIGN KEY (device, stream) REFERENCES streams (device, stream)
) STRICT, WITHOUT ROWID;

-- Per boot of a device: server time at its monotonic zero, to place events of boards without a clock.
CREATE TABLE boots (
    device  BLOB    NOT NULL REFERENCES devices (id),
    boot    BLOB    NOT NULL,
    zero_at INTEGER NOT NULL,
    exact   INTEGER NOT NULL,
    PRIMARY KEY (device, boot)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    action TEXT    NOT NULL,
    target TEXT    NOT NULL,
    source TEXT    NOT NULL,
    result TEXT    NOT NULL,
    detail TEXT    NOT NULL
) STRICT;
