-- Servers that share this database. `seen_at` is by the database's own clock, milliseconds.
CREATE TABLE replicas (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;

-- Work that one server does for all. `fence` rises each time a lease changes hands; `ends_at` is by the database's clock.
CREATE TABLE leases (
    name    TEXT    NOT NULL PRIMARY KEY,
    holder  BLOB    NOT NULL,
    fence   INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

-- How often something changed that servers keep in memory. Counted by the triggers below, so that whoever makes a change
-- tells of it, in the same transaction.
CREATE TABLE changes (
    topic TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT;
INSERT INTO changes (topic, count)
VALUES ('accounts', 0), ('settings', 0), ('certificates', 0), ('erasures', 0), ('secrets', 0);

-- What every server needs and none may lose: the CA, the keys that sign tokens. Sealed.
CREATE TABLE shared_secrets (
    name       TEXT    NOT NULL PRIMARY KEY,
    sealed     BLOB    NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER accounts_changed AFTER UPDATE OF state ON accounts
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER accounts_gone AFTER DELETE ON accounts
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER grants_new AFTER INSERT ON account_grants
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER grants_changed AFTER UPDATE ON account_grants
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER grants_gone AFTER DELETE ON account_grants
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER api_keys_changed AFTER UPDATE OF revoked_at, permissions ON api_keys
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER api_keys_gone AFTER DELETE ON api_keys
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'accounts'; END;
CREATE TRIGGER settings_new AFTER INSERT ON settings
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'settings'; END;
CREATE TRIGGER settings_changed AFTER UPDATE ON settings
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'settings'; END;
CREATE TRIGGER certificates_new AFTER INSERT ON device_certificates
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'certificates'; END;
CREATE TRIGGER certificates_changed AFTER UPDATE ON device_certificates
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'certificates'; END;
CREATE TRIGGER erasures_completed AFTER UPDATE OF completed_at ON erasures
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'erasures'; END;
CREATE TRIGGER secrets_new AFTER INSERT ON shared_secrets
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'secrets'; END;
CREATE TRIGGER secrets_changed AFTER UPDATE ON shared_secrets
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'secrets'; END;
CREATE TRIGGER secrets_gone AFTER DELETE ON shared_secrets
BEGIN UPDATE changes SET count = count + 1 WHERE topic = 'secrets'; END;
