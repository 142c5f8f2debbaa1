-- Model packs. `state`: 'installed', 'shadow', 'comparing', 'staged', 'active', 'retired'; one is 'active', one at most
-- 'staged'. `own`: the pack of the configuration, which every device has and which has no archive here. `served`: devices
-- were given its templates at some time, so that each further one takes a revision of the gallery. `report` is the last
-- comparison, JSON that names nobody.
CREATE TABLE model_packs (
    id           TEXT    NOT NULL PRIMARY KEY,
    state        TEXT    NOT NULL,
    own          INTEGER NOT NULL,
    served       INTEGER NOT NULL,
    manifest     TEXT    NOT NULL,
    sha256       BLOB,
    size_bytes   INTEGER,
    key_pem      TEXT,
    job          BLOB,
    report       TEXT,
    installed_at INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

-- The archives, in pieces of a mebibyte: every server of the store has them, and so has a backup.
CREATE TABLE model_pack_pieces (
    pack  TEXT    NOT NULL REFERENCES model_packs (id) ON DELETE CASCADE,
    n     INTEGER NOT NULL,
    bytes BLOB    NOT NULL,
    PRIMARY KEY (pack, n)
) STRICT;

-- Kept pictures of which a pack could make no template, so that it is not tried for ever.
CREATE TABLE face_refusals (
    pack          TEXT    NOT NULL REFERENCES model_packs (id) ON DELETE CASCADE,
    person        BLOB    NOT NULL,
    source_sha256 BLOB    NOT NULL,
    reason        TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (pack, person, source_sha256),
    FOREIGN KEY (person, source_sha256) REFERENCES face_crops (person, source_sha256) ON DELETE CASCADE
) STRICT;
CREATE INDEX face_refusals_by_crop ON face_refusals (person, source_sha256);

-- `want_pack`: what a device is told to run, if not the pack in force. `hold_pack`: another one it keeps at hand.
-- `held_pack`: what it last said its gallery is of.
ALTER TABLE devices ADD COLUMN want_pack TEXT;
ALTER TABLE devices ADD COLUMN hold_pack TEXT;
ALTER TABLE devices ADD COLUMN held_pack TEXT;
