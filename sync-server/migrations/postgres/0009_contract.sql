-- What the API promises beyond single calls: an audit log that shows tampering, answers that are given once, what
-- admins set, what is known of persons beside the name, and filters by time and score.

-- The audit log as a chain: each line's hash covers the line and the hash before it. Numbers have no holes. Lines of
-- before the chain, in `audit`, are moved in when the store is next opened.
CREATE TABLE audit_lines (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL,
    target  TEXT COLLATE "C" NOT NULL,
    source  TEXT COLLATE "C" NOT NULL,
    result  TEXT COLLATE "C" NOT NULL,
    detail  TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    was     TEXT COLLATE "C",
    became  TEXT COLLATE "C",
    hash    BYTEA NOT NULL
);
CREATE INDEX audit_lines_by_time ON audit_lines (at, seq);
CREATE INDEX audit_lines_by_actor ON audit_lines (actor, at, seq);
CREATE INDEX audit_lines_by_action ON audit_lines (action, at, seq);
CREATE INDEX audit_lines_by_target ON audit_lines (target, at, seq);
CREATE INDEX audit_lines_by_result ON audit_lines (result, at, seq);

-- One row, the last line: whoever appends locks it first, so that appends stand in a queue.
CREATE TABLE audit_head (
    "only" BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
INSERT INTO audit_head ("only", seq, hash)
VALUES (1, 0, decode('0000000000000000000000000000000000000000000000000000000000000000', 'hex'));

-- The head, signed by the server now and then: nobody without its key can write lines up to there anew.
CREATE TABLE audit_checkpoints (
    seq   BIGINT NOT NULL PRIMARY KEY,
    token TEXT COLLATE "C" NOT NULL
);

-- Where lines were cut off because they were old enough: the chain goes on from the signed hash of the last one gone.
CREATE TABLE audit_cuts (
    upto  BIGINT NOT NULL PRIMARY KEY,
    token TEXT COLLATE "C" NOT NULL
);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.seq <= (SELECT coalesce(max(upto), 0) FROM audit_cuts) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the audit log is append-only; old lines go by a cut';
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_lines_are_not_changed BEFORE UPDATE ON audit_lines
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_lines_are_not_removed BEFORE DELETE ON audit_lines
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

-- Answers to requests with an Idempotency-Key. `state`: 0 being worked on, 1 done, 2 nobody knows. `answer` is sealed;
-- of answers that tell of a person (`personal`) it goes when a person is removed.
CREATE TABLE idempotency (
    account     TEXT COLLATE "C" NOT NULL,
    idem_key    TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    state       BIGINT NOT NULL,
    status      BIGINT NOT NULL,
    answer      BYTEA,
    personal    BIGINT NOT NULL,
    began_at    BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    PRIMARY KEY (account, idem_key)
);
CREATE INDEX idempotency_by_end ON idempotency (ends_at);

-- Documents that admins set, by name.
CREATE TABLE settings (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    json       TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Work done once over what was stored before this table.
CREATE TABLE upkeep (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

-- Notes and fields of one's own, sealed with the person's key. `edit` is the number of the last change of the name, the
-- notes or the fields; numbers are taken from `person_edits`, so that an index kept in memory knows what changed.
ALTER TABLE persons ADD COLUMN notes_sealed BYTEA;
ALTER TABLE persons ADD COLUMN fields_sealed BYTEA;
ALTER TABLE persons ADD COLUMN edit BIGINT NOT NULL DEFAULT 0;
CREATE INDEX persons_by_edit ON persons (edit);
CREATE TABLE person_edits (
    "only" BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    edit BIGINT NOT NULL
);
INSERT INTO person_edits ("only", edit) VALUES (1, 0);

ALTER TABLE sites ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE doors ADD COLUMN version BIGINT NOT NULL DEFAULT 0;

-- Similarity to the person named, or of an unknown to the nearest one; NULL if there is none.
ALTER TABLE events ADD COLUMN score DOUBLE PRECISION;

-- Lists by time. Kind and score stand in them so that filters on them and counts read the index alone.
CREATE INDEX events_by_time ON events (at, cursor, kind, score);
CREATE INDEX events_by_site_and_time ON events (site, at, cursor, kind, score);
CREATE INDEX events_by_door_and_time ON events (door, at, cursor, kind, score);
CREATE INDEX events_by_device_and_time ON events (device, at, cursor, kind, score);
CREATE INDEX events_by_person_and_time ON events (person, at, cursor, kind, score) WHERE person IS NOT NULL;
CREATE INDEX events_by_kind_and_time ON events (kind, at, cursor, score);
