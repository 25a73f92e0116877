-- The disclosure record is kept by months, so that one that is old enough can be written to a file and dropped whole.
-- Its partitions are made by `fsp.begin_chain`, when a month's first chain begins.
DROP TABLE fsp.disclosure;
--> statement-breakpoint
CREATE TABLE fsp.disclosure (
	month date NOT NULL,
	chain uuid NOT NULL,
	sequence bigint NOT NULL,
	at timestamp (3) with time zone DEFAULT now() NOT NULL,
	previous bytea NOT NULL,
	hash bytea NOT NULL,
	count integer NOT NULL,
	records text NOT NULL,
	CONSTRAINT disclosure_month_chain_sequence_pk PRIMARY KEY(month,chain,sequence)
) PARTITION BY RANGE (month);
