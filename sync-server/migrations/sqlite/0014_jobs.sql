-- Work that goes on after the answer: jobs, and the items each consists of. What a job is about lies sealed with the
-- job's own key, wrapped by the master key; it goes with the row.
--
-- `state`: 'filling' until all items are there, 'ready', 'paused', 'done', 'cancelled'. `node`: the server on whose
-- disk lies what was uploaded; empty if every server can do the work. `settled` items are done or refused, `dead` ones
-- were given up; both together never exceed `items`. `paced_at`, `paced_from`: since when, and from how many settled
-- items on, the pace is measured. `keep_until`: when a job that has ended is forgotten.
CREATE TABLE jobs (
    id         BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    priority   INTEGER NOT NULL,
    account    BLOB,
    person     BLOB,
    node       TEXT    NOT NULL,
    wrapped    BLOB    NOT NULL,
    plan       BLOB    NOT NULL,
    items      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    refused    INTEGER NOT NULL,
    dead       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    began_at   INTEGER,
    ended_at   INTEGER,
    keep_until INTEGER,
    paced_at   INTEGER,
    paced_from INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, priority, id);
CREATE INDEX jobs_by_account ON jobs (account, id);
CREATE INDEX jobs_by_end ON jobs (keep_until) WHERE keep_until IS NOT NULL;

-- `state`: 'waiting', 'leased', 'done', 'refused', 'dead', 'cancelled'. Items of a lower `phase` go first, all of them.
-- `parent`: an item of an earlier phase whose person this one is about. `fence` rises with each lease: who works on an
-- item commits its outcome only under the number it was given; `leases` counts them since it was queued. `task` goes with the outcome.
CREATE TABLE job_items (
    job         BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n           INTEGER NOT NULL,
    phase       INTEGER NOT NULL,
    parent      INTEGER,
    state       TEXT    NOT NULL,
    fence       INTEGER NOT NULL,
    leases      INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    lease_node  TEXT,
    lease_until INTEGER,
    person      BLOB,
    task        BLOB,
    reason      TEXT    NOT NULL,
    outcome     BLOB,
    ended_at    INTEGER,
    PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_items_by_state ON job_items (job, state, phase, n);
CREATE INDEX job_items_leased ON job_items (lease_until) WHERE state = 'leased';
CREATE INDEX job_items_by_person ON job_items (person) WHERE person IS NOT NULL;

-- What a person is called in another system: found by a keyed hash, sealed with the person's key.
CREATE TABLE person_externals (
    person   BLOB NOT NULL PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE,
    lookup   BLOB NOT NULL UNIQUE,
    external BLOB NOT NULL
) STRICT;
