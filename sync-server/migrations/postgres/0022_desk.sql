-- Where an account's browsers take messages: address and keys, sealed with the account's key. `mark` is a keyed hash of the
-- address, by which the same browser is known again.
CREATE TABLE push_subscriptions (
    id         BYTEA   NOT NULL PRIMARY KEY,
    account    BYTEA   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mark       BYTEA   NOT NULL,
    sealed     BYTEA   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    UNIQUE (account, mark)
);

-- 1 of a message to the account's browsers, in place of its address.
ALTER TABLE deliveries ADD COLUMN push BIGINT NOT NULL DEFAULT 0;

-- What somebody looked for, sealed with the account's key; for themselves alone.
CREATE TABLE searches (
    id      BYTEA   NOT NULL PRIMARY KEY,
    account BYTEA   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind    TEXT    NOT NULL,
    sealed  BYTEA   NOT NULL,
    found   BIGINT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX searches_by_account ON searches (account, id);

CREATE INDEX judgements_by_judge ON judgements (judged_by, id);
