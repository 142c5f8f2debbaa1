-- A device's life beyond its claim: where it was before, what it replaces, and which certificates it was given.

ALTER TABLE devices ADD COLUMN placed_at  INTEGER;
ALTER TABLE devices ADD COLUMN revoked_at INTEGER;
-- The device whose place it took, broken or lost.
ALTER TABLE devices ADD COLUMN replaces   BLOB REFERENCES devices (id);
CREATE INDEX devices_by_replaced ON devices (replaces) WHERE replaces IS NOT NULL;

-- Where a device was until it was moved.
CREATE TABLE device_postings (
    device BLOB    NOT NULL REFERENCES devices (id),
    until  INTEGER NOT NULL,
    site   BLOB    NOT NULL,
    door   BLOB    NOT NULL,
    PRIMARY KEY (device, until)
) STRICT, WITHOUT ROWID;

-- Client certificates by serial number, for the list that external brokers read.
CREATE TABLE device_certificates (
    serial     BLOB    NOT NULL PRIMARY KEY,
    device     BLOB    NOT NULL REFERENCES devices (id),
    issued_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX device_certificates_by_device ON device_certificates (device, issued_at);
CREATE INDEX device_certificates_by_end ON device_certificates (ends_at);
