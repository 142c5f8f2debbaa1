-- Who is told what, what people say about it, and what was counted.

-- How far each follower has read what only grows: events by cursor, lines of the audit log by number. It moves in the
-- transaction of what followed, so that everything is followed once, whenever the program ends.
CREATE TABLE followers (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- Rules of whom to tell; `form` is their JSON. What a rule is about lies at a site, a door, or anywhere (both NULL).
CREATE TABLE notify_rules (
    id         BLOB    NOT NULL PRIMARY KEY,
    form       TEXT    NOT NULL,
    site       BLOB    REFERENCES sites (id) ON DELETE CASCADE,
    door       BLOB    REFERENCES doors (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notify_rules_by_site ON notify_rules (site) WHERE site IS NOT NULL;
CREATE INDEX notify_rules_by_door ON notify_rules (door) WHERE door IS NOT NULL;

-- Conditions that hold now (a device is lost, a disk is full), by key, so that only changes are told.
CREATE TABLE notify_conditions (
    condition_key TEXT    NOT NULL PRIMARY KEY,
    since         INTEGER NOT NULL
) STRICT;

-- What people were told of. Occurrences of one rule and key gather in one notice while it is open; `told` of `count`
-- were told. `rule` is NULL of what somebody is told without a rule, since it is about themselves. `next_at`: when to look at it again; NULL once it is closed. `words` holds no names.
CREATE TABLE notices (
    id          BLOB    NOT NULL PRIMARY KEY,
    rule        BLOB,
    rule_name   TEXT    NOT NULL,
    group_key   TEXT    NOT NULL,
    what        TEXT    NOT NULL,
    site        BLOB,
    door        BLOB,
    device      BLOB,
    person      BLOB    REFERENCES persons (id) ON DELETE SET NULL,
    thread      BLOB,
    words       TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    told        INTEGER NOT NULL,
    opened_at   INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    next_at     INTEGER,
    escalate_at INTEGER,
    first_event BLOB
) STRICT;
CREATE INDEX notices_by_look ON notices (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_by_escalation ON notices (escalate_at) WHERE escalate_at IS NOT NULL;
CREATE INDEX notices_by_age ON notices (last_at);
CREATE INDEX notices_by_person ON notices (person) WHERE person IS NOT NULL;

-- The events gathered in a notice.
CREATE TABLE notice_events (
    notice BLOB    NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    event  BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (notice, event)
) STRICT, WITHOUT ROWID;

-- Whom a notice is for, and whether they have read it: `unread` is 1 or 0.
CREATE TABLE notice_readers (
    account BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    notice  BLOB    NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    unread  INTEGER NOT NULL,
    read_at INTEGER,
    PRIMARY KEY (account, notice)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_readers_unread ON notice_readers (account, unread, notice);
CREATE INDEX notice_readers_by_notice ON notice_readers (notice);

-- Where notices are sent beside: `secret_sealed` signs what is sent, `url_sealed` may hold a secret too.
CREATE TABLE webhooks (
    id            BLOB    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    url_sealed    BLOB    NOT NULL,
    secret_sealed BLOB    NOT NULL,
    site          BLOB    REFERENCES sites (id) ON DELETE CASCADE,
    door          BLOB    REFERENCES doors (id) ON DELETE CASCADE,
    enabled       INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_site ON webhooks (site) WHERE site IS NOT NULL;
CREATE INDEX webhooks_by_door ON webhooks (door) WHERE door IS NOT NULL;

-- What is to be sent outside, and what became of it. state: waiting, sent, failed, held (too many, or not wanted now).
CREATE TABLE deliveries (
    id         BLOB    NOT NULL PRIMARY KEY,
    notice     BLOB    REFERENCES notices (id) ON DELETE CASCADE,
    account    BLOB    REFERENCES accounts (id) ON DELETE CASCADE,
    webhook    BLOB    REFERENCES webhooks (id) ON DELETE CASCADE,
    reason     TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    done_at    INTEGER,
    error      TEXT
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_notice ON deliveries (notice, id);
CREATE INDEX deliveries_by_account ON deliveries (account, created_at) WHERE account IS NOT NULL;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id) WHERE webhook IS NOT NULL;
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- What somebody wants of notices, JSON.
CREATE TABLE notify_preferences (
    account    BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    form       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- What people say of an event, a person, a door or a group of unknowns. `wrapped` is the thread's own key, wrapped by the
-- person's key where it is about a person (`person`), and by the directory key otherwise: what is said ends with it.
CREATE TABLE threads (
    id         BLOB    NOT NULL PRIMARY KEY,
    about      TEXT    NOT NULL,
    subject    BLOB    NOT NULL,
    person     BLOB    REFERENCES persons (id) ON DELETE CASCADE,
    site       BLOB,
    door       BLOB,
    wrapped    BLOB    NOT NULL,
    state      TEXT    NOT NULL,
    assignee   BLOB    REFERENCES accounts (id) ON DELETE SET NULL,
    held       INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    UNIQUE (about, subject)
) STRICT;
CREATE INDEX threads_by_person ON threads (person) WHERE person IS NOT NULL;
CREATE INDEX threads_by_time ON threads (last_at, id);
CREATE INDEX threads_by_door ON threads (door, last_at, id);
CREATE INDEX threads_by_site ON threads (site, last_at, id);
CREATE INDEX threads_by_assignee ON threads (assignee, last_at, id) WHERE assignee IS NOT NULL;

-- `edit` numbers every change of a message, so that an index kept in memory knows what changed.
CREATE TABLE messages (
    id        BLOB    NOT NULL PRIMARY KEY,
    thread    BLOB    NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    author    BLOB    REFERENCES accounts (id) ON DELETE SET NULL,
    at        INTEGER NOT NULL,
    edited_at INTEGER,
    sealed    BLOB,
    edit      INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_thread ON messages (thread, id);
CREATE INDEX messages_by_author ON messages (author, id) WHERE author IS NOT NULL;
CREATE INDEX messages_by_edit ON messages (edit);

CREATE TABLE message_edits (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    edit INTEGER NOT NULL
) STRICT;
INSERT INTO message_edits (only, edit) VALUES (1, 0);

-- What a message said before.
CREATE TABLE message_history (
    message BLOB    NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    edit    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    PRIMARY KEY (message, edit)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_mentions (
    message BLOB NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    account BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (message, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_mentions_by_account ON message_mentions (account, message);

-- Events that a message points to.
CREATE TABLE message_events (
    message BLOB NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    event   BLOB NOT NULL,
    PRIMARY KEY (message, event)
) STRICT, WITHOUT ROWID;

-- How far somebody has read a thread.
CREATE TABLE thread_reads (
    account BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    thread  BLOB    NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    upto    BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_reads_by_thread ON thread_reads (thread);

-- Visits by quarter of an hour (`step`, of 900 s since 1970), door and kind. Of nobody in particular, so that it stays
-- when events go.
CREATE TABLE visit_counts (
    step  INTEGER NOT NULL,
    door  BLOB    NOT NULL,
    kind  TEXT    NOT NULL,
    site  BLOB    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (step, door, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_counts_by_door ON visit_counts (door, step, kind, count);
CREATE INDEX visit_counts_by_site ON visit_counts (site, step, kind, count);

-- How long decisions took, by hour (`hour`, of 3600 s since 1970), door and bucket.
CREATE TABLE decision_counts (
    hour   INTEGER NOT NULL,
    door   BLOB    NOT NULL,
    bucket INTEGER NOT NULL,
    site   BLOB    NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (hour, door, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_counts_by_door ON decision_counts (door, hour);
CREATE INDEX decision_counts_by_site ON decision_counts (site, hour);

-- What was counted of the program's use by day (days since 1970): requests, pages, steps of enrollment.
CREATE TABLE usage_counts (
    day   INTEGER NOT NULL,
    what  TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, what, name)
) STRICT, WITHOUT ROWID;

-- How large the store was on a day.
CREATE TABLE storage_samples (
    day  INTEGER NOT NULL,
    what TEXT    NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) STRICT, WITHOUT ROWID;
