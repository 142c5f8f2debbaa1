-- How strict recognition is: one row for the installation, and one per door that overrides it. NULL means: not said
-- here. Shares and similarities are 0..1. `version` rises with every change.
CREATE TABLE recognition (
    only        INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    target_fpir REAL,
    target_fnir REAL    NOT NULL,
    liveness    TEXT,
    lookalike   REAL,
    version     INTEGER NOT NULL,
    changed_at  INTEGER
) STRICT;
INSERT INTO recognition (only, target_fnir, version) VALUES (1, 0.05, 0);

CREATE TABLE door_recognition (
    door            BLOB    NOT NULL PRIMARY KEY REFERENCES doors (id) ON DELETE CASCADE,
    target_fpir     REAL,
    match_threshold REAL,
    match_margin    REAL,
    liveness        TEXT,
    version         INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL
) STRICT;

-- When the device sent the batch an event was stored from; NULL where its clocks cannot tell.
ALTER TABLE events ADD COLUMN published_at INTEGER;
