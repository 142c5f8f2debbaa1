-- What statements about what grows found by reading all of it.

-- Erasures whose events are still to be cleared of the person: asked for every few seconds.
CREATE INDEX erasures_to_clear ON erasures (person) WHERE cleared_at IS NULL;
-- Kept answers that tell of persons: destroyed whenever somebody is removed.
CREATE INDEX idempotency_personal ON idempotency (ends_at) WHERE personal = 1 AND answer IS NOT NULL;
-- What else goes with a person.
CREATE INDEX jobs_by_person ON jobs (person) WHERE person IS NOT NULL;
CREATE INDEX judgements_by_nearest ON judgements (nearest) WHERE nearest IS NOT NULL;
CREATE INDEX moved_templates_by_present ON moved_templates (now_of);
-- Notices that are still to be told or passed on: read each time by whoever leads.
CREATE INDEX notices_open ON notices (id) WHERE next_at IS NOT NULL OR escalate_at IS NOT NULL;
