-- Periods of one login and family (or person) never overlap: a policy's probe finds one grant or none.
CREATE EXTENSION IF NOT EXISTS btree_gist;
--> statement-breakpoint
ALTER TABLE fsp.family_grant ADD CONSTRAINT family_grant_no_overlap EXCLUDE USING gist (login WITH =, family WITH =, period WITH &&);
--> statement-breakpoint
ALTER TABLE fsp.person_grant ADD CONSTRAINT person_grant_no_overlap EXCLUDE USING gist (login WITH =, person WITH =, period WITH &&);
