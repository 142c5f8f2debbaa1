-- Errors of the program itself, grouped by where and with what words they occur. Nothing personal stands in them: what
-- reaches no log reaches no fault.
CREATE TABLE faults (
    fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL,
    target      TEXT COLLATE "C" NOT NULL,
    template    TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    stack       TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    occurred    BIGINT NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    resolved_at BIGINT,
    resolved_by TEXT COLLATE "C"
);
CREATE INDEX faults_by_last ON faults (last_at, fingerprint);
CREATE INDEX faults_open ON faults (last_at, fingerprint) WHERE resolved_at IS NULL;
