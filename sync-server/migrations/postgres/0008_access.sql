-- Lists of who may see single sites are read by this; those of doors have theirs.
CREATE INDEX events_by_site ON events (site, cursor);
