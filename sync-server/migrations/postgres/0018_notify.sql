-- Who is told what, what people say about it, and what was counted.

-- How far each follower has read what only grows: events by cursor, lines of the audit log by number. It moves in the
-- transaction of what followed, so that everything is followed once, whenever the program ends.
CREATE TABLE followers (
    name     TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);

-- Rules of whom to tell; `form` is their JSON. What a rule is about lies at a site, a door, or anywhere (both NULL).
CREATE TABLE notify_rules (
    id         BYTEA    NOT NULL PRIMARY KEY,
    form       TEXT COLLATE "C"    NOT NULL,
    site       BYTEA    REFERENCES sites (id) ON DELETE CASCADE,
    door       BYTEA    REFERENCES doors (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX notify_rules_by_site ON notify_rules (site) WHERE site IS NOT NULL;
CREATE INDEX notify_rules_by_door ON notify_rules (door) WHERE door IS NOT NULL;

-- Conditions that hold now (a device is lost, a disk is full), by key, so that only changes are told.
CREATE TABLE notify_conditions (
    condition_key TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    since         BIGINT NOT NULL
);

-- What people were told of. Occurrences of one rule and key gather in one notice while it is open; `told` of `count`
-- were told. `rule` is NULL of what somebody is told without a rule, since it is about themselves. `next_at`: when to look at it again; NULL once it is closed. `words` holds no names.
CREATE TABLE notices (
    id          BYTEA    NOT NULL PRIMARY KEY,
    rule        BYTEA,
    rule_name   TEXT COLLATE "C"    NOT NULL,
    group_key   TEXT COLLATE "C"    NOT NULL,
    what        TEXT COLLATE "C"    NOT NULL,
    site        BYTEA,
    door        BYTEA,
    device      BYTEA,
    person      BYTEA    REFERENCES persons (id) ON DELETE SET NULL,
    thread      BYTEA,
    words       TEXT COLLATE "C"    NOT NULL,
    count       BIGINT NOT NULL,
    told        BIGINT NOT NULL,
    opened_at   BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    next_at     BIGINT,
    escalate_at BIGINT,
    first_event BYTEA
);
CREATE INDEX notices_by_look ON notices (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_by_escalation ON notices (escalate_at) WHERE escalate_at IS NOT NULL;
CREATE INDEX notices_by_age ON notices (last_at);
CREATE INDEX notices_by_person ON notices (person) WHERE person IS NOT NULL;

-- The events gathered in a notice.
CREATE TABLE notice_events (
    notice BYTEA    NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    event  BYTEA    NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (notice, event)
);

-- Whom a notice is for, and whether they have read it: `unread` is 1 or 0.
CREATE TABLE notice_readers (
    account BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    notice  BYTEA    NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    unread  BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (account, notice)
);
CREATE INDEX notice_readers_unread ON notice_readers (account, unread, notice);
CREATE INDEX notice_readers_by_notice ON notice_readers (notice);

-- Where notices are sent beside: `secret_sealed` signs what is sent, `url_sealed` may hold a secret too.
CREATE TABLE webhooks (
    id            BYTEA    NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C"    NOT NULL,
    url_sealed    BYTEA    NOT NULL,
    secret_sealed BYTEA    NOT NULL,
    site          BYTEA    REFERENCES sites (id) ON DELETE CASCADE,
    door          BYTEA    REFERENCES doors (id) ON DELETE CASCADE,
    enabled       BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL
);
CREATE INDEX webhooks_by_site ON webhooks (site) WHERE site IS NOT NULL;
CREATE INDEX webhooks_by_door ON webhooks (door) WHERE door IS NOT NULL;

-- What is to be sent outside, and what became of it. state: waiting, sent, failed, held (too many, or not wanted now).
CREATE TABLE deliveries (
    id         BYTEA    NOT NULL PRIMARY KEY,
    notice     BYTEA    REFERENCES notices (id) ON DELETE CASCADE,
    account    BYTEA    REFERENCES accounts (id) ON DELETE CASCADE,
    webhook    BYTEA    REFERENCES webhooks (id) ON DELETE CASCADE,
    reason     TEXT COLLATE "C"    NOT NULL,
    state      TEXT COLLATE "C"    NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    done_at    BIGINT,
    error      TEXT COLLATE "C"
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_notice ON deliveries (notice, id);
CREATE INDEX deliveries_by_account ON deliveries (account, created_at) WHERE account IS NOT NULL;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id) WHERE webhook IS NOT NULL;
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- What somebody wants of notices, JSON.
CREATE TABLE notify_preferences (
    account    BYTEA    NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    form       TEXT COLLATE "C"    NOT NULL,
    version    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- What people say of an event, a person, a door or a group of unknowns. `wrapped` is the thread's own key, wrapped by the
-- person's key where it is about a person (`person`), and by the directory key otherwise: what is said ends with it.
CREATE TABLE threads (
    id         BYTEA    NOT NULL PRIMARY KEY,
    about      TEXT COLLATE "C"    NOT NULL,
    subject    BYTEA    NOT NULL,
    person     BYTEA    REFERENCES persons (id) ON DELETE CASCADE,
    site       BYTEA,
    door       BYTEA,
    wrapped    BYTEA    NOT NULL,
    state      TEXT COLLATE "C"    NOT NULL,
    assignee   BYTEA    REFERENCES accounts (id) ON DELETE SET NULL,
    held       BIGINT NOT NULL,
    messages   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    UNIQUE (about, subject)
);
CREATE INDEX threads_by_person ON threads (person) WHERE person IS NOT NULL;
CREATE INDEX threads_by_time ON threads (last_at, id);
CREATE INDEX threads_by_door ON threads (door, last_at, id);
CREATE INDEX threads_by_site ON threads (site, last_at, id);
CREATE INDEX threads_by_assignee ON threads (assignee, last_at, id) WHERE assignee IS NOT NULL;

-- `edit` numbers every change of a message, so that an index kept in memory knows what changed.
CREATE TABLE messages (
    id        BYTEA    NOT NULL PRIMARY KEY,
    thread    BYTEA    NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    author    BYTEA    REFERENCES accounts (id) ON DELETE SET NULL,
    at        BIGINT NOT NULL,
    edited_at BIGINT,
    sealed    BYTEA,
    edit      BIGINT NOT NULL
);
CREATE INDEX messages_by_thread ON messages (thread, id);
CREATE INDEX messages_by_author ON messages (author, id) WHERE author IS NOT NULL;
CREATE INDEX messages_by_edit ON messages (edit);

CREATE TABLE message_edits (
    "only" BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    edit BIGINT NOT NULL
);
INSERT INTO message_edits ("only", edit) VALUES (1, 0);

-- What a message said before.
CREATE TABLE message_history (
    message BYTEA    NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    edit    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    sealed  BYTEA    NOT NULL,
    PRIMARY KEY (message, edit)
);

CREATE TABLE message_mentions (
    message BYTEA NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    account BYTEA NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (message, account)
);
CREATE INDEX message_mentions_by_account ON message_mentions (account, message);

-- Events that a message points to.
CREATE TABLE message_events (
    message BYTEA NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    event   BYTEA NOT NULL,
    PRIMARY KEY (message, event)
);

-- How far somebody has read a thread.
CREATE TABLE thread_reads (
    account BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    thread  BYTEA    NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    upto    BYTEA    NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (account, thread)
);
CREATE INDEX thread_reads_by_thread ON thread_reads (thread);

-- Visits by quarter of an hour (`step`, of 900 s since 1970), door and kind. Of nobody in particular, so that it stays
-- when events go.
CREATE TABLE visit_counts (
    step  BIGINT NOT NULL,
    door  BYTEA    NOT NULL,
    kind  TEXT COLLATE "C"    NOT NULL,
    site  BYTEA    NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (step, door, kind)
);
CREATE INDEX visit_counts_by_door ON visit_counts (door, step, kind, count);
CREATE INDEX visit_counts_by_site ON visit_counts (site, step, kind, count);

-- How long decisions took, by hour (`hour`, of 3600 s since 1970), door and bucket.
CREATE TABLE decision_counts (
    hour   BIGINT NOT NULL,
    door   BYTEA    NOT NULL,
    bucket BIGINT NOT NULL,
    site   BYTEA    NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (hour, door, bucket)
);
CREATE INDEX decision_counts_by_door ON decision_counts (door, hour);
CREATE INDEX decision_counts_by_site ON decision_counts (site, hour);

-- What was counted of the program's use by day (days since 1970): requests, pages, steps of enrollment.
CREATE TABLE usage_counts (
    day   BIGINT NOT NULL,
    what  TEXT COLLATE "C"    NOT NULL,
    name  TEXT COLLATE "C"    NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, what, name)
);

-- How large the store was on a day.
CREATE TABLE storage_samples (
    day  BIGINT NOT NULL,
    what TEXT COLLATE "C"    NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (day, what)
);
