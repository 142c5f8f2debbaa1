-- Where an account's browsers take messages: address and keys, sealed with the account's key. `mark` is a keyed hash of the
-- address, by which the same browser is known again.
CREATE TABLE push_subscriptions (
    id         BLOB    NOT NULL PRIMARY KEY,
    account    BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mark       BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    UNIQUE (account, mark)
) STRICT;

-- 1 of a message to the account's browsers, in place of its address.
ALTER TABLE deliveries ADD COLUMN push INTEGER NOT NULL DEFAULT 0;

-- What somebody looked for, sealed with the account's key; for themselves alone.
CREATE TABLE searches (
    id      BLOB    NOT NULL PRIMARY KEY,
    account BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind    TEXT    NOT NULL,
    sealed  BLOB    NOT NULL,
    found   INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX searches_by_account ON searches (account, id);

CREATE INDEX judgements_by_judge ON judgements (judged_by, id);
