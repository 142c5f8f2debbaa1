-- Accounts of people and services, what they may, and how they prove who they are. Names, logins and addresses are
-- sealed with a key per account, wrapped by the master key; they are found by keyed hashes. What is secret (refresh
-- tokens, links, API keys, recovery codes) is kept as a hash only. Accounts of before (`users`) are moved here, sealed,
-- when the store is next opened.

-- One row, made when the store is first opened: the installation's id, which stands in its tokens, and the wrapped key
-- of keyed hashes and of what is sealed for nobody yet (invitations).
CREATE TABLE installation (
    "only"    BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    id      BYTEA    NOT NULL,
    wrapped BYTEA    NOT NULL
);

-- kind: person, service. state: active, pending (registered, not approved), shut_out.
-- `version` rises with every change of state, names or grants.
CREATE TABLE accounts (
    id            BYTEA    NOT NULL PRIMARY KEY,
    kind          TEXT COLLATE "C"    NOT NULL,
    state         TEXT COLLATE "C"    NOT NULL,
    wrapped       BYTEA    NOT NULL,
    login_hash    BYTEA    NOT NULL UNIQUE,
    login_sealed  BYTEA    NOT NULL,
    name_sealed   BYTEA    NOT NULL,
    email_hash    BYTEA,
    email_sealed  BYTEA,
    password_hash TEXT COLLATE "C",
    created_at    BIGINT NOT NULL,
    last_login_at BIGINT,
    version       BIGINT NOT NULL
);
CREATE INDEX accounts_in_order ON accounts (kind, id);
CREATE INDEX accounts_by_email ON accounts (email_hash) WHERE email_hash IS NOT NULL;

-- A role over everything (neither site nor door), a site or a door. A grant ends with its place.
CREATE TABLE account_grants (
    account  BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    role     TEXT COLLATE "C"    NOT NULL,
    site     BYTEA    REFERENCES sites (id) ON DELETE CASCADE,
    door     BYTEA    REFERENCES doors (id) ON DELETE CASCADE,
    PRIMARY KEY (account, position),
    CHECK (site IS NULL OR door IS NULL)
);
CREATE INDEX account_grants_by_role ON account_grants (role, account);
CREATE INDEX account_grants_by_site ON account_grants (site) WHERE site IS NOT NULL;
CREATE INDEX account_grants_by_door ON account_grants (door) WHERE door IS NOT NULL;

-- kind: bearer, cookie. A session that has ended stays for a while, to be seen and for reuse to be told.
CREATE TABLE sessions (
    id           BYTEA    NOT NULL PRIMARY KEY,
    account      BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind         TEXT COLLATE "C"    NOT NULL,
    cookie_hash  BYTEA    UNIQUE,
    user_agent   TEXT COLLATE "C"    NOT NULL,
    address      TEXT COLLATE "C"    NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_by     TEXT COLLATE "C"
);
CREATE INDEX sessions_by_account ON sessions (account, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Every refresh token of a session, used ones too, so that one that comes again is known for stolen.
CREATE TABLE refresh_tokens (
    token_hash BYTEA    NOT NULL PRIMARY KEY,
    session    BYTEA    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

-- `last_step` is the last time step a code was taken for; codes of it and before are refused.
CREATE TABLE second_factors (
    account       BYTEA    NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret_sealed BYTEA    NOT NULL,
    created_at    BIGINT NOT NULL,
    confirmed_at  BIGINT,
    last_step     BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    account   BYTEA NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    PRIMARY KEY (account, code_hash)
);

-- What serves once and soon: second steps of a log-in, links for a new password, tickets for live connections. What it
-- is for is part of the hash.
CREATE TABLE one_time_tokens (
    token_hash BYTEA    NOT NULL PRIMARY KEY,
    purpose    TEXT COLLATE "C"    NOT NULL,
    account    BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    session    BYTEA    REFERENCES sessions (id) ON DELETE CASCADE,
    api_key    BYTEA,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_tokens_by_account ON one_time_tokens (account, purpose);
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at);

-- `email_sealed`: the address it was sent to, sealed with the installation's key.
CREATE TABLE invitations (
    id             BYTEA    NOT NULL PRIMARY KEY,
    token_hash     BYTEA    NOT NULL UNIQUE,
    email_sealed   BYTEA,
    grants         TEXT COLLATE "C"    NOT NULL,
    invited_by     TEXT COLLATE "C"    NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    accepted_at    BIGINT,
    accepted_by    BYTEA,
    revoked_at     BIGINT
);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- Keys of services. `permissions`: names with spaces between, NULL for all its account has.
CREATE TABLE api_keys (
    id           BYTEA    NOT NULL PRIMARY KEY,
    account      BYTEA    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key_hash     BYTEA    NOT NULL UNIQUE,
    hint         TEXT COLLATE "C"    NOT NULL,
    name         TEXT COLLATE "C"    NOT NULL,
    permissions  TEXT COLLATE "C",
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    last_used_from TEXT COLLATE "C",
    revoked_at   BIGINT
);
CREATE INDEX api_keys_by_account ON api_keys (account, id);

-- Failed log-ins, counted by keyed hash of account, address, or both together.
CREATE TABLE login_failures (
    subject       BYTEA    NOT NULL PRIMARY KEY,
    count         BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX login_failures_by_age ON login_failures (last_at);

-- Account and address that belong together since somebody logged in from there: failures of others do not block them.
CREATE TABLE known_places (
    subject BYTEA    NOT NULL PRIMARY KEY,
    last_at BIGINT NOT NULL
);
CREATE INDEX known_places_by_age ON known_places (last_at);
