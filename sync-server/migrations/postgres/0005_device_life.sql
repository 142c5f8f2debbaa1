-- A device's life beyond its claim: where it was before, what it replaces, and which certificates it was given.

ALTER TABLE devices ADD COLUMN placed_at  BIGINT;
ALTER TABLE devices ADD COLUMN revoked_at BIGINT;
-- The device whose place it took, broken or lost.
ALTER TABLE devices ADD COLUMN replaces   BYTEA REFERENCES devices (id);
CREATE INDEX devices_by_replaced ON devices (replaces) WHERE replaces IS NOT NULL;

-- Where a device was until it was moved.
CREATE TABLE device_postings (
    device BYTEA NOT NULL REFERENCES devices (id),
    until  BIGINT NOT NULL,
    site   BYTEA NOT NULL,
    door   BYTEA NOT NULL,
    PRIMARY KEY (device, until)
);

-- Client certificates by serial number, for the list that external brokers read.
CREATE TABLE device_certificates (
    serial     BYTEA NOT NULL PRIMARY KEY,
    device     BYTEA NOT NULL REFERENCES devices (id),
    issued_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX device_certificates_by_device ON device_certificates (device, issued_at);
CREATE INDEX device_certificates_by_end ON device_certificates (ends_at);
