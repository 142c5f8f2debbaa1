-- Faces beyond enrollment: unknown visitors put together, persons merged and split, events judged.

-- Somebody nobody knows, seen once or more. What came with the visits is sealed with a key of the group's own, wrapped by
-- the master key: it is destroyed with the row. state: open, dismissed. `version` rises with every change.
CREATE TABLE unknowns (
    id         BLOB    NOT NULL PRIMARY KEY,
    state      TEXT    NOT NULL,
    pack       TEXT    NOT NULL,
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT;

-- A visit is of one group at most. `pinned`: put there by hand, where regrouping leaves it.
CREATE TABLE unknown_visits (
    cursor  INTEGER NOT NULL PRIMARY KEY REFERENCES events (cursor) ON DELETE CASCADE,
    visitor BLOB    NOT NULL REFERENCES unknowns (id),
    site    BLOB    NOT NULL,
    door    BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    quality REAL    NOT NULL,
    pinned  INTEGER NOT NULL
) STRICT;
CREATE INDEX unknown_visits_by_visitor ON unknown_visits (visitor, at, cursor, site, door, quality, pinned);
CREATE INDEX unknown_visits_by_time ON unknown_visits (at, cursor);
CREATE INDEX unknown_visits_by_site ON unknown_visits (site, visitor);
CREATE INDEX unknown_visits_by_door ON unknown_visits (door, visitor);

-- Groups that became another, so that an id once handed out still leads there. Kept as long as visits are.
CREATE TABLE unknown_aliases (
    id     BLOB    NOT NULL PRIMARY KEY,
    became BLOB    NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unknown_aliases_by_target ON unknown_aliases (became);
CREATE INDEX unknown_aliases_by_time ON unknown_aliases (at);

-- One row. Events up to `upto` were looked at; `edit` rises with every change of who belongs to which group, so that a
-- regrouping reckoned from an older state is not written over a newer one. Matches up to `doubted` were looked at for faces
-- their persons were mistaken for before.
CREATE TABLE face_grouping (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    upto INTEGER NOT NULL,
    edit INTEGER NOT NULL,
    doubted INTEGER NOT NULL
) STRICT;
INSERT INTO face_grouping (only, upto, edit, doubted) VALUES (1, 0, 0, 0);

-- `events.person` says whose visit it is as far as is known now: who the device named, who that one was merged into, or
-- whom an unknown visitor turned out to be. `named`: whom the device named, where that is another; the key of what came
-- with the event is theirs. `doubt`: similarity to a face the person was mistaken for before, where it is nearer to that
-- than to the person.
ALTER TABLE events ADD COLUMN named BLOB;
ALTER TABLE events ADD COLUMN doubt REAL;
CREATE INDEX events_by_named ON events (named) WHERE named IS NOT NULL;
CREATE INDEX events_in_doubt ON events (cursor) WHERE doubt IS NOT NULL;

-- Who was merged into whom. A merged person has a row until the merge can be undone no more, and no templates.
ALTER TABLE persons ADD COLUMN merged_into BLOB;
CREATE INDEX persons_by_merge ON persons (merged_into) WHERE merged_into IS NOT NULL;

-- kind: merge (`source` went into `target`), split (`target` was made of a part of `source`). `groups`, `erases`: the groups
-- and the `erase_on_expiry` that a merged `source` had
-- before. Settled: nothing of it can be undone any more.
CREATE TABLE person_changes (
    id         BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    source     BLOB    NOT NULL,
    target     BLOB    NOT NULL,
    erases     INTEGER NOT NULL,
    groups     TEXT    NOT NULL,
    made_by    TEXT    NOT NULL,
    made_at    INTEGER NOT NULL,
    undo_until INTEGER NOT NULL,
    undone_at  INTEGER,
    settled_at INTEGER
) STRICT;
CREATE INDEX person_changes_by_source ON person_changes (source, made_at);
CREATE INDEX person_changes_by_target ON person_changes (target, made_at);
CREATE INDEX person_changes_open ON person_changes (undo_until) WHERE settled_at IS NULL AND undone_at IS NULL;

-- Templates that changed persons: `made` is the one with `now_of`, sealed with that person's key. `taken` and what
-- follows is the one of before, as it was, sealed with the key of `was_of`; it counts for nothing until the change is
-- undone.
CREATE TABLE moved_templates (
    change        BLOB    NOT NULL REFERENCES person_changes (id) ON DELETE CASCADE,
    taken         BLOB    NOT NULL,
    made          BLOB,
    was_of        BLOB    NOT NULL,
    now_of        BLOB    NOT NULL,
    version       INTEGER NOT NULL,
    pack          TEXT    NOT NULL,
    angle         TEXT    NOT NULL,
    quality       REAL    NOT NULL,
    embedding     BLOB    NOT NULL,
    source_sha256 BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (change, taken)
) STRICT;
CREATE INDEX moved_templates_by_former ON moved_templates (was_of);

-- What people say of events. An event has one judgement at most that stands; those withdrawn stay as history. What is
-- needed to count stands here again, so that figures outlive events. `named`, `nearest`: by the event. `person`: who it
-- really was. Persons are taken out when they are removed.
CREATE TABLE judgements (
    id           BLOB    NOT NULL PRIMARY KEY,
    event_id     BLOB    NOT NULL,
    site         BLOB    NOT NULL,
    door         BLOB    NOT NULL,
    pack         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    score        REAL,
    threshold    REAL,
    named        BLOB,
    nearest      BLOB,
    verdict      TEXT    NOT NULL,
    person       BLOB,
    judged_by    TEXT    NOT NULL,
    judged_at    INTEGER NOT NULL,
    withdrawn_by TEXT,
    withdrawn_at INTEGER
) STRICT;
CREATE UNIQUE INDEX judgements_standing ON judgements (event_id) WHERE withdrawn_at IS NULL;
CREATE INDEX judgements_by_event ON judgements (event_id, judged_at);
CREATE INDEX judgements_by_time ON judgements (at);
CREATE INDEX judgements_by_site ON judgements (site, at);
CREATE INDEX judgements_by_door ON judgements (door, at);
CREATE INDEX judgements_by_named ON judgements (named) WHERE named IS NOT NULL;
CREATE INDEX judgements_by_person ON judgements (person) WHERE person IS NOT NULL;

-- Faces a person was mistaken for, sealed with the person's key.
CREATE TABLE not_them (
    judgement BLOB    NOT NULL PRIMARY KEY,
    person    BLOB    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    event_id  BLOB    NOT NULL,
    pack      TEXT    NOT NULL,
    embedding BLOB    NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX not_them_by_person ON not_them (person);
