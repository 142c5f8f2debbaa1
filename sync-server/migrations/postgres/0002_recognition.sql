-- How strict recognition is: one row for the installation, and one per door that overrides it. NULL means: not said
-- here. Shares and similarities are 0..1. `version` rises with every change.
CREATE TABLE recognition (
    "only"        BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    target_fpir DOUBLE PRECISION,
    target_fnir DOUBLE PRECISION NOT NULL,
    liveness    TEXT COLLATE "C",
    lookalike   DOUBLE PRECISION,
    version     BIGINT NOT NULL,
    changed_at  BIGINT
);
INSERT INTO recognition ("only", target_fnir, version) VALUES (1, 0.05, 0);

CREATE TABLE door_recognition (
    door            BYTEA NOT NULL PRIMARY KEY REFERENCES doors (id) ON DELETE CASCADE,
    target_fpir     DOUBLE PRECISION,
    match_threshold DOUBLE PRECISION,
    match_margin    DOUBLE PRECISION,
    liveness        TEXT COLLATE "C",
    version         BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL
);

-- When the device sent the batch an event was stored from; NULL where its clocks cannot tell.
ALTER TABLE events ADD COLUMN published_at BIGINT;
