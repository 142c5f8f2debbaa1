-- Work that goes on after the answer: jobs, and the items each consists of. What a job is about lies sealed with the
-- job's own key, wrapped by the master key; it goes with the row.
--
-- `state`: 'filling' until all items are there, 'ready', 'paused', 'done', 'cancelled'. `node`: the server on whose
-- disk lies what was uploaded; empty if every server can do the work. `settled` items are done or refused, `dead` ones
-- were given up; both together never exceed `items`. `paced_at`, `paced_from`: since when, and from how many settled
-- items on, the pace is measured. `keep_until`: when a job that has ended is forgotten.
CREATE TABLE jobs (
    id         BYTEA NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    priority   BIGINT NOT NULL,
    account    BYTEA,
    person     BYTEA,
    node TEXT COLLATE "C" NOT NULL,
    wrapped    BYTEA NOT NULL,
    plan       BYTEA NOT NULL,
    items      BIGINT NOT NULL,
    done       BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    dead       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    began_at   BIGINT,
    ended_at   BIGINT,
    keep_until BIGINT,
    paced_at   BIGINT,
    paced_from BIGINT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, priority, id);
CREATE INDEX jobs_by_account ON jobs (account, id);
CREATE INDEX jobs_by_end ON jobs (keep_until) WHERE keep_until IS NOT NULL;

-- `state`: 'waiting', 'leased', 'done', 'refused', 'dead', 'cancelled'. Items of a lower `phase` go first, all of them.
-- `parent`: an item of an earlier phase whose person this one is about. `fence` rises with each lease: who works on an
-- item commits its outcome only under the number it was given; `leases` counts them since it was queued. `task` goes with the outcome.
CREATE TABLE job_items (
    job         BYTEA NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n           BIGINT NOT NULL,
    phase       BIGINT NOT NULL,
    parent      BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    fence       BIGINT NOT NULL,
    leases      BIGINT NOT NULL,
    failures    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    lease_node TEXT COLLATE "C",
    lease_until BIGINT,
    person      BYTEA,
    task        BYTEA,
    reason TEXT COLLATE "C" NOT NULL,
    outcome     BYTEA,
    ended_at    BIGINT,
    PRIMARY KEY (job, n)
);
CREATE INDEX job_items_by_state ON job_items (job, state, phase, n);
CREATE INDEX job_items_leased ON job_items (lease_until) WHERE state = 'leased';
CREATE INDEX job_items_by_person ON job_items (person) WHERE person IS NOT NULL;

-- What a person is called in another system: found by a keyed hash, sealed with the person's key.
CREATE TABLE person_externals (
    person   BYTEA NOT NULL PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE,
    lookup   BYTEA NOT NULL UNIQUE,
    external BYTEA NOT NULL
);
