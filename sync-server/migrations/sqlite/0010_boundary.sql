-- Errors of the program itself, grouped by where and with what words they occur. Nothing personal stands in them: what
-- reaches no log reaches no fault.
CREATE TABLE faults (
    fingerprint TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    template    TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    stack       TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    occurred    INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT
) STRICT;
CREATE INDEX faults_by_last ON faults (last_at, fingerprint);
CREATE INDEX faults_open ON faults (last_at, fingerprint) WHERE resolved_at IS NULL;
