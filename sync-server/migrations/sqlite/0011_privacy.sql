-- What persons consent to, and that they did; keys that wrap keys, one after the other; what was removed for its age.

-- Versions of the text persons consent to. `texts`: JSON, by language. `renews`: consent to earlier versions does not
-- suffice for new photos. `erase_after_days`: how long after a withdrawal the person is erased.
CREATE TABLE consent_texts (
    version          INTEGER NOT NULL PRIMARY KEY,
    texts            TEXT    NOT NULL,
    renews           INTEGER NOT NULL,
    erase_after_days INTEGER NOT NULL,
    set_at           INTEGER NOT NULL,
    set_by           TEXT    NOT NULL
) STRICT;

-- Consents outlive the person, without the words sealed with the person's key, since having asked must be shown for as
-- long as it may be doubted. At most one of a person has not ended.
CREATE TABLE consents (
    id           BLOB    NOT NULL PRIMARY KEY,
    person       BLOB    NOT NULL,
    text_version INTEGER REFERENCES consent_texts (version),
    language     TEXT,
    method       TEXT    NOT NULL,
    given_at     INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    recorded_by  TEXT    NOT NULL,
    words_sealed BLOB,
    ended_at     INTEGER,
    ended_how    TEXT,
    end_method   TEXT,
    ended_by     TEXT,
    end_sealed   BLOB
) STRICT;
CREATE INDEX consents_by_person ON consents (person, id);
CREATE UNIQUE INDEX consents_in_force ON consents (person) WHERE ended_at IS NULL;
CREATE INDEX consents_by_end ON consents (ended_at) WHERE ended_at IS NOT NULL;

-- Whoever was said to have consented before there were records: no text is known.
INSERT INTO consents (id, person, method, given_at, recorded_at, recorded_by)
SELECT id, id, 'before_records', consent_at, consent_at, '' FROM persons WHERE consent_at IS NOT NULL;

-- `barred`: the consent was withdrawn, so nobody may know the person, whatever the validity. `erase_at`: when the person
-- is erased for that.
ALTER TABLE persons ADD COLUMN barred INTEGER NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN erase_at INTEGER;
CREATE INDEX persons_to_erase_withdrawn ON persons (erase_at) WHERE erase_at IS NOT NULL;

-- `wraps_with`: the master key that new keys are wrapped with, by its fingerprint. `root`: wrapped, what the server's own
-- keys are made from. Both are filled in when the store is next opened.
ALTER TABLE sealing ADD COLUMN wraps_with TEXT;
ALTER TABLE sealing ADD COLUMN root BLOB;

-- Changes of the master key; at most one has not finished. Keys are told apart by fingerprints.
CREATE TABLE key_rotations (
    present     TEXT    NOT NULL PRIMARY KEY,
    former      TEXT    NOT NULL,
    began_at    INTEGER NOT NULL,
    finished_at INTEGER,
    rewrapped   INTEGER NOT NULL
) STRICT;

-- Which master keys each running server holds, so that nothing is wrapped with one that it lacks.
CREATE TABLE key_holders (
    holder  BLOB    NOT NULL PRIMARY KEY,
    holds   TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

-- How much of each kind was removed for its age, by day since 1970.
CREATE TABLE retention_removed (
    kind    TEXT    NOT NULL,
    day     INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    PRIMARY KEY (kind, day)
) STRICT;

-- The pictures and embeddings of strangers, and of persons, each the oldest first.
CREATE INDEX event_crops_by_seal ON event_crops (sealed, cursor);
CREATE INDEX event_embeddings_by_seal ON event_embeddings (sealed, cursor);

-- Where and with what somebody was logged in, sealed with the account's key; the open columns are empty from now on, and
-- what stood in them is sealed when the store is next opened.
ALTER TABLE sessions ADD COLUMN address_sealed BLOB;
ALTER TABLE sessions ADD COLUMN user_agent_sealed BLOB;
ALTER TABLE api_keys ADD COLUMN last_used_from_sealed BLOB;
