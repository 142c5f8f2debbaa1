-- What persons consent to, and that they did; keys that wrap keys, one after the other; what was removed for its age.

-- Versions of the text persons consent to. `texts`: JSON, by language. `renews`: consent to earlier versions does not
-- suffice for new photos. `erase_after_days`: how long after a withdrawal the person is erased.
CREATE TABLE consent_texts (
    version          BIGINT NOT NULL PRIMARY KEY,
    texts            TEXT COLLATE "C" NOT NULL,
    renews           BIGINT NOT NULL,
    erase_after_days BIGINT NOT NULL,
    set_at           BIGINT NOT NULL,
    set_by           TEXT COLLATE "C" NOT NULL
);

-- Consents outlive the person, without the words sealed with the person's key, since having asked must be shown for as
-- long as it may be doubted. At most one of a person has not ended.
CREATE TABLE consents (
    id           BYTEA NOT NULL PRIMARY KEY,
    person       BYTEA NOT NULL,
    text_version BIGINT REFERENCES consent_texts (version),
    language     TEXT COLLATE "C",
    method       TEXT COLLATE "C" NOT NULL,
    given_at     BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    recorded_by  TEXT COLLATE "C" NOT NULL,
    words_sealed BYTEA,
    ended_at     BIGINT,
    ended_how    TEXT COLLATE "C",
    end_method   TEXT COLLATE "C",
    ended_by     TEXT COLLATE "C",
    end_sealed   BYTEA
);
CREATE INDEX consents_by_person ON consents (person, id);
CREATE UNIQUE INDEX consents_in_force ON consents (person) WHERE ended_at IS NULL;
CREATE INDEX consents_by_end ON consents (ended_at) WHERE ended_at IS NOT NULL;

-- Whoever was said to have consented before there were records: no text is known.
INSERT INTO consents (id, person, method, given_at, recorded_at, recorded_by)
SELECT id, id, 'before_records', consent_at, consent_at, '' FROM persons WHERE consent_at IS NOT NULL;

-- `barred`: the consent was withdrawn, so nobody may know the person, whatever the validity. `erase_at`: when the person
-- is erased for that.
ALTER TABLE persons ADD COLUMN barred BIGINT NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN erase_at BIGINT;
CREATE INDEX persons_to_erase_withdrawn ON persons (erase_at) WHERE erase_at IS NOT NULL;

-- `wraps_with`: the master key that new keys are wrapped with, by its fingerprint. `root`: wrapped, what the server's own
-- keys are made from. Both are filled in when the store is next opened.
ALTER TABLE sealing ADD COLUMN wraps_with TEXT COLLATE "C";
ALTER TABLE sealing ADD COLUMN root BYTEA;

-- Changes of the master key; at most one has not finished. Keys are told apart by fingerprints.
CREATE TABLE key_rotations (
    present     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    former      TEXT COLLATE "C" NOT NULL,
    began_at    BIGINT NOT NULL,
    finished_at BIGINT,
    rewrapped   BIGINT NOT NULL
);

-- Which master keys each running server holds, so that nothing is wrapped with one that it lacks.
CREATE TABLE key_holders (
    holder  BYTEA NOT NULL PRIMARY KEY,
    holds   TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL
);

-- How much of each kind was removed for its age, by day since 1970.
CREATE TABLE retention_removed (
    kind    TEXT COLLATE "C" NOT NULL,
    day     BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (kind, day)
);

-- The pictures and embeddings of strangers, and of persons, each the oldest first.
CREATE INDEX event_crops_by_seal ON event_crops (sealed, cursor);
CREATE INDEX event_embeddings_by_seal ON event_embeddings (sealed, cursor);

-- Where and with what somebody was logged in, sealed with the account's key; the open columns are empty from now on, and
-- what stood in them is sealed when the store is next opened.
ALTER TABLE sessions ADD COLUMN address_sealed BYTEA;
ALTER TABLE sessions ADD COLUMN user_agent_sealed BYTEA;
ALTER TABLE api_keys ADD COLUMN last_used_from_sealed BYTEA;
