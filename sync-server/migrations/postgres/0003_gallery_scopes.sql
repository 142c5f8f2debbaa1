-- Who may be known at which door: groups, times of validity, and what each door says.

-- A group of a site counts only at doors of that site.
CREATE TABLE person_groups (
    id         BYTEA NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    site       BYTEA REFERENCES sites (id),
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);

CREATE TABLE memberships (
    person   BYTEA NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    in_group BYTEA NOT NULL REFERENCES person_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (person, in_group)
);
CREATE INDEX memberships_by_group ON memberships (in_group, person);

-- `valid` is whether the person may be known anywhere, as of the last revision that says so; `flips_at` is when the
-- clock will change that. Devices are answered by `valid` alone, so that an answer depends on its revision only.
ALTER TABLE persons ADD COLUMN valid_from BIGINT;
ALTER TABLE persons ADD COLUMN valid_until BIGINT;
ALTER TABLE persons ADD COLUMN valid BIGINT NOT NULL DEFAULT 1;
ALTER TABLE persons ADD COLUMN flips_at BIGINT;
CREATE INDEX persons_by_flip ON persons (flips_at) WHERE flips_at IS NOT NULL;

-- The order of a walk over the gallery.
DROP INDEX persons_by_rev;
CREATE INDEX persons_in_order ON persons (rev, id);
DROP INDEX tombstones_by_rev;
CREATE INDEX tombstones_in_order ON tombstones (rev, person);
-- Holds all a digest needs, so that the embeddings beside it are not read.
CREATE INDEX templates_held ON templates (person, pack, id, version);

-- What a door says; without a row, everyone may be known there. Without `everyone`, the groups of
-- `door_gallery_groups` may.
CREATE TABLE door_gallery (
    door       BYTEA NOT NULL PRIMARY KEY REFERENCES doors (id) ON DELETE CASCADE,
    everyone   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE door_gallery_groups (
    door     BYTEA NOT NULL REFERENCES doors (id) ON DELETE CASCADE,
    in_group BYTEA NOT NULL REFERENCES person_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (door, in_group)
);
CREATE INDEX door_gallery_by_group ON door_gallery_groups (in_group, door);

-- The revision at which who may be known to the device last changed by its door or by a move: what it holds of before
-- cannot be mended by changes. `scopes` is the last such revision of any device; `settled_at` is the wall time up to
-- which the clock's changes are made.
ALTER TABLE devices ADD COLUMN scope_rev BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gallery ADD COLUMN scopes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gallery ADD COLUMN settled_at BIGINT NOT NULL DEFAULT 0;
