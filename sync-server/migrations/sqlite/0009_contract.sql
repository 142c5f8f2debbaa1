-- What the API promises beyond single calls: an audit log that shows tampering, answers that are given once, what
-- admins set, what is known of persons beside the name, and filters by time and score.

-- The audit log as a chain: each line's hash covers the line and the hash before it. Numbers have no holes. Lines of
-- before the chain, in `audit`, are moved in when the store is next opened.
CREATE TABLE audit_lines (
    seq     INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    result  TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    request TEXT    NOT NULL,
    was     TEXT,
    became  TEXT,
    hash    BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_lines_by_time ON audit_lines (at, seq);
CREATE INDEX audit_lines_by_actor ON audit_lines (actor, at, seq);
CREATE INDEX audit_lines_by_action ON audit_lines (action, at, seq);
CREATE INDEX audit_lines_by_target ON audit_lines (target, at, seq);
CREATE INDEX audit_lines_by_result ON audit_lines (result, at, seq);

-- One row, the last line: whoever appends locks it first, so that appends stand in a queue.
CREATE TABLE audit_head (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
INSERT INTO audit_head (only, seq, hash)
VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');

-- The head, signed by the server now and then: nobody without its key can write lines up to there anew.
CREATE TABLE audit_checkpoints (
    seq   INTEGER NOT NULL PRIMARY KEY,
    token TEXT    NOT NULL
) STRICT;

-- Where lines were cut off because they were old enough: the chain goes on from the signed hash of the last one gone.
CREATE TABLE audit_cuts (
    upto  INTEGER NOT NULL PRIMARY KEY,
    token TEXT    NOT NULL
) STRICT;

CREATE TRIGGER audit_lines_are_not_changed BEFORE UPDATE ON audit_lines
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_lines_are_not_removed BEFORE DELETE ON audit_lines
WHEN OLD.seq > (SELECT coalesce(max(upto), 0) FROM audit_cuts)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only; old lines go by a cut'); END;

-- Answers to requests with an Idempotency-Key. `state`: 0 being worked on, 1 done, 2 nobody knows. `answer` is sealed;
-- of answers that tell of a person (`personal`) it goes when a person is removed.
CREATE TABLE idempotency (
    account     TEXT    NOT NULL,
    idem_key    TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    state       INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    answer      BLOB,
    personal    INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    PRIMARY KEY (account, idem_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_end ON idempotency (ends_at);

-- Documents that admins set, by name.
CREATE TABLE settings (
    name       TEXT    NOT NULL PRIMARY KEY,
    json       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- Work done once over what was stored before this table.
CREATE TABLE upkeep (
    name TEXT NOT NULL PRIMARY KEY
) STRICT;

-- Notes and fields of one's own, sealed with the person's key. `edit` is the number of the last change of the name, the
-- notes or the fields; numbers are taken from `person_edits`, so that an index kept in memory knows what changed.
ALTER TABLE persons ADD COLUMN notes_sealed BLOB;
ALTER TABLE persons ADD COLUMN fields_sealed BLOB;
ALTER TABLE persons ADD COLUMN edit INTEGER NOT NULL DEFAULT 0;
CREATE INDEX persons_by_edit ON persons (edit);
CREATE TABLE person_edits (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    edit INTEGER NOT NULL
) STRICT;
INSERT INTO person_edits (only, edit) VALUES (1, 0);

ALTER TABLE sites ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE doors ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- Similarity to the person named, or of an unknown to the nearest one; NULL if there is none.
ALTER TABLE events ADD COLUMN score REAL;

-- Lists by time. Kind and score stand in them so that filters on them and counts read the index alone.
CREATE INDEX events_by_time ON events (at, cursor, kind, score);
CREATE INDEX events_by_site_and_time ON events (site, at, cursor, kind, score);
CREATE INDEX events_by_door_and_time ON events (door, at, cursor, kind, score);
CREATE INDEX events_by_device_and_time ON events (device, at, cursor, kind, score);
CREATE INDEX events_by_person_and_time ON events (person, at, cursor, kind, score) WHERE person IS NOT NULL;
CREATE INDEX events_by_kind_and_time ON events (kind, at, cursor, score);
