-- Servers that share this database. `seen_at` is by the database's own clock, milliseconds.
CREATE TABLE replicas (
    id         BYTEA  NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- Work that one server does for all. `fence` rises each time a lease changes hands; `ends_at` is by the database's clock.
CREATE TABLE leases (
    name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder  BYTEA  NOT NULL,
    fence   BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);

-- How often something changed that servers keep in memory. Counted by the triggers below, so that whoever makes a change
-- tells of it, in the same transaction.
CREATE TABLE changes (
    topic TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL
);
INSERT INTO changes (topic, count)
VALUES ('accounts', 0), ('settings', 0), ('certificates', 0), ('erasures', 0), ('secrets', 0);

-- What every server needs and none may lose: the CA, the keys that sign tokens. Sealed.
CREATE TABLE shared_secrets (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE changes SET count = count + 1 WHERE topic = TG_ARGV[0];
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_changed AFTER DELETE OR UPDATE OF state ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('accounts');
CREATE TRIGGER grants_changed AFTER INSERT OR UPDATE OR DELETE ON account_grants
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('accounts');
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('accounts');
CREATE TRIGGER api_keys_changed AFTER DELETE OR UPDATE OF revoked_at, permissions ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('accounts');
CREATE TRIGGER settings_changed AFTER INSERT OR UPDATE ON settings
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('settings');
CREATE TRIGGER certificates_changed AFTER INSERT OR UPDATE ON device_certificates
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('certificates');
CREATE TRIGGER erasures_completed AFTER UPDATE OF completed_at ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('erasures');
CREATE TRIGGER secrets_changed AFTER INSERT OR UPDATE OR DELETE ON shared_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('secrets');
