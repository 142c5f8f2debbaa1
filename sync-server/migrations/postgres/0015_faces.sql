-- Faces beyond enrollment: unknown visitors put together, persons merged and split, events judged.

-- Somebody nobody knows, seen once or more. What came with the visits is sealed with a key of the group's own, wrapped by
-- the master key: it is destroyed with the row. state: open, dismissed. `version` rises with every change.
CREATE TABLE unknowns (
    id         BYTEA NOT NULL PRIMARY KEY,
    state      TEXT COLLATE "C" NOT NULL,
    pack       TEXT COLLATE "C" NOT NULL,
    wrapped    BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);

-- A visit is of one group at most. `pinned`: put there by hand, where regrouping leaves it.
CREATE TABLE unknown_visits (
    cursor  BIGINT NOT NULL PRIMARY KEY REFERENCES events (cursor) ON DELETE CASCADE,
    visitor BYTEA NOT NULL REFERENCES unknowns (id),
    site    BYTEA NOT NULL,
    door    BYTEA NOT NULL,
    at      BIGINT NOT NULL,
    quality DOUBLE PRECISION NOT NULL,
    pinned  BIGINT NOT NULL
);
CREATE INDEX unknown_visits_by_visitor ON unknown_visits (visitor, at, cursor, site, door, quality, pinned);
CREATE INDEX unknown_visits_by_time ON unknown_visits (at, cursor);
CREATE INDEX unknown_visits_by_site ON unknown_visits (site, visitor);
CREATE INDEX unknown_visits_by_door ON unknown_visits (door, visitor);

-- Groups that became another, so that an id once handed out still leads there. Kept as long as visits are.
CREATE TABLE unknown_aliases (
    id     BYTEA NOT NULL PRIMARY KEY,
    became BYTEA NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX unknown_aliases_by_target ON unknown_aliases (became);
CREATE INDEX unknown_aliases_by_time ON unknown_aliases (at);

-- One row. Events up to `upto` were looked at; `edit` rises with every change of who belongs to which group, so that a
-- regrouping reckoned from an older state is not written over a newer one. Matches up to `doubted` were looked at for faces
-- their persons were mistaken for before.
CREATE TABLE face_grouping (
    "only" BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    upto BIGINT NOT NULL,
    edit BIGINT NOT NULL,
    doubted BIGINT NOT NULL
);
INSERT INTO face_grouping ("only", upto, edit, doubted) VALUES (1, 0, 0, 0);

-- `events.person` says whose visit it is as far as is known now: who the device named, who that one was merged into, or
-- whom an unknown visitor turned out to be. `named`: whom the device named, where that is another; the key of what came
-- with the event is theirs. `doubt`: similarity to a face the person was mistaken for before, where it is nearer to that
-- than to the person.
ALTER TABLE events ADD COLUMN named BYTEA;
ALTER TABLE events ADD COLUMN doubt DOUBLE PRECISION;
CREATE INDEX events_by_named ON events (named) WHERE named IS NOT NULL;
CREATE INDEX events_in_doubt ON events (cursor) WHERE doubt IS NOT NULL;

-- Who was merged into whom. A merged person has a row until the merge can be undone no more, and no templates.
ALTER TABLE persons ADD COLUMN merged_into BYTEA;
CREATE INDEX persons_by_merge ON persons (merged_into) WHERE merged_into IS NOT NULL;

-- kind: merge (`source` went into `target`), split (`target` was made of a part of `source`). `groups`, `erases`: the groups
-- and the `erase_on_expiry` that a merged `source` had
-- before. Settled: nothing of it can be undone any more.
CREATE TABLE person_changes (
    id         BYTEA NOT NULL PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    source     BYTEA NOT NULL,
    target     BYTEA NOT NULL,
    erases     BIGINT NOT NULL,
    groups     TEXT COLLATE "C" NOT NULL,
    made_by    TEXT COLLATE "C" NOT NULL,
    made_at    BIGINT NOT NULL,
    undo_until BIGINT NOT NULL,
    undone_at  BIGINT,
    settled_at BIGINT
);
CREATE INDEX person_changes_by_source ON person_changes (source, made_at);
CREATE INDEX person_changes_by_target ON person_changes (target, made_at);
CREATE INDEX person_changes_open ON person_changes (undo_until) WHERE settled_at IS NULL AND undone_at IS NULL;

-- Templates that changed persons: `made` is the one with `now_of`, sealed with that person's key. `taken` and what
-- follows is the one of before, as it was, sealed with the key of `was_of`; it counts for nothing until the change is
-- undone.
CREATE TABLE moved_templates (
    change        BYTEA NOT NULL REFERENCES person_changes (id) ON DELETE CASCADE,
    taken         BYTEA NOT NULL,
    made          BYTEA,
    was_of        BYTEA NOT NULL,
    now_of        BYTEA NOT NULL,
    version       BIGINT NOT NULL,
    pack          TEXT COLLATE "C" NOT NULL,
    angle         TEXT COLLATE "C" NOT NULL,
    quality       DOUBLE PRECISION NOT NULL,
    embedding     BYTEA NOT NULL,
    source_sha256 BYTEA NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (change, taken)
);
CREATE INDEX moved_templates_by_former ON moved_templates (was_of);

-- What people say of events. An event has one judgement at most that stands; those withdrawn stay as history. What is
-- needed to count stands here again, so that figures outlive events. `named`, `nearest`: by the event. `person`: who it
-- really was. Persons are taken out when they are removed.
CREATE TABLE judgements (
    id           BYTEA NOT NULL PRIMARY KEY,
    event_id     BYTEA NOT NULL,
    site         BYTEA NOT NULL,
    door         BYTEA NOT NULL,
    pack         TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    score        DOUBLE PRECISION,
    threshold    DOUBLE PRECISION,
    named        BYTEA,
    nearest      BYTEA,
    verdict      TEXT COLLATE "C" NOT NULL,
    person       BYTEA,
    judged_by    TEXT COLLATE "C" NOT NULL,
    judged_at    BIGINT NOT NULL,
    withdrawn_by TEXT COLLATE "C",
    withdrawn_at BIGINT
);
CREATE UNIQUE INDEX judgements_standing ON judgements (event_id) WHERE withdrawn_at IS NULL;
CREATE INDEX judgements_by_event ON judgements (event_id, judged_at);
CREATE INDEX judgements_by_time ON judgements (at);
CREATE INDEX judgements_by_site ON judgements (site, at);
CREATE INDEX judgements_by_door ON judgements (door, at);
CREATE INDEX judgements_by_named ON judgements (named) WHERE named IS NOT NULL;
CREATE INDEX judgements_by_person ON judgements (person) WHERE person IS NOT NULL;

-- Faces a person was mistaken for, sealed with the person's key.
CREATE TABLE not_them (
    judgement BYTEA NOT NULL PRIMARY KEY,
    person    BYTEA NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    event_id  BYTEA NOT NULL,
    pack      TEXT COLLATE "C" NOT NULL,
    embedding BYTEA NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX not_them_by_person ON not_them (person);
