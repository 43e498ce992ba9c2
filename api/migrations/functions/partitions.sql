-- Statement triggers of a partitioned table also guard its partitions, should somebody write to one directly;
-- PostgreSQL itself hands down row triggers only. A statement on the parent fires the parent's alone.
CREATE OR REPLACE FUNCTION ims_copy_triggers(parent regclass, child regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    names text[];
    definition text;
BEGIN
    SELECT array_agg(format(' ON %I.%I ', n.nspname, c.relname) ORDER BY c.oid = child) INTO names
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN (parent, child);
    FOR definition IN
        SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t
         WHERE t.tgrelid = parent AND NOT t.tgisinternal AND t.tgtype & 1 = 0
           AND NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = child AND o.tgname = t.tgname)
    LOOP
        EXECUTE replace(definition, names[1], names[2]);
    END LOOP;
END $$;

-- Makes the monthly partitions <parent>_yYYYYmMM from the month of `first` to that of `last`, and <parent>_default;
-- null dates make the default alone. Gives the number of months made. Months of a timestamptz are those of UTC.
-- Rows that the default partition already holds for a month move into it: its own triggers sleep meanwhile (an owner
-- may do that, no superuser is needed), so that neither tombstones nor the refusals of an append-only table answer.
-- A foreign key that points at the table is taken off for the move and put back, which checks it anew.
CREATE OR REPLACE FUNCTION ims_make_partitions(parent regclass, first date, last date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    place name;
    base name;
    key name;
    fallback regclass;
    columns text;
    month date;
    child text;
    lower text;
    upper text;
    holds boolean;
    restore text[] := '{}';
    pointing record;
    made integer := 0;
    suffix text := '';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ims partitions ' || parent::oid, 0));
    SELECT n.nspname, c.relname, a.attname, nullif(p.partdefid, 0),
           CASE a.atttypid WHEN 'timestamptz'::regtype THEN ' 00:00:00+00' ELSE '' END
      INTO place, base, key, fallback, suffix
      FROM pg_partitioned_table p
      JOIN pg_class c ON c.oid = p.partrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partrelid = parent AND p.partstrat = 'r' AND p.partnatts = 1
       AND a.atttypid IN ('date'::regtype, 'timestamptz'::regtype);
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not partitioned by range of one date or timestamptz column', parent;
    END IF;
    IF fallback IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I DEFAULT', place, base || '_default', place, base);
        fallback := format('%I.%I', place, base || '_default')::regclass;
    END IF;
    PERFORM ims_copy_triggers(parent, inhrelid) FROM pg_inherits WHERE inhparent = parent;
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
      FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';

    FOR month IN
        SELECT generate_series(date_trunc('month', first::timestamp), date_trunc('month', last::timestamp), '1 month')
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = parent AND c.relname = base || to_char(month, '"_y"YYYY"m"MM'));
        IF made = 0 THEN
            -- writers wait: a row on its way to the default partition would be refused once its month exists
            EXECUTE format('LOCK TABLE ONLY %I.%I IN SHARE ROW EXCLUSIVE MODE', place, base);
        END IF;
        child := format('%I.%I', place, base || to_char(month, '"_y"YYYY"m"MM'));
        lower := quote_literal(to_char(month, 'YYYY-MM-DD') || suffix);
        upper := quote_literal(to_char(month + interval '1 month', 'YYYY-MM-DD') || suffix);
        EXECUTE format('CREATE TABLE %s (LIKE %I.%I INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES'
                       ' EXCLUDING STATISTICS EXCLUDING COMMENTS)', child, place, base);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I >= %s AND %I < %s)', fallback, key, lower, key, upper)
           INTO holds;
        IF holds THEN
            -- readers wait too: one that has listed the partitions would look for the rows where they no longer are
            EXECUTE format('LOCK TABLE ONLY %I.%I IN ACCESS EXCLUSIVE MODE', place, base);
            FOR pointing IN
                SELECT conrelid::regclass AS owner, conname, pg_get_constraintdef(oid) AS definition
                  FROM pg_constraint WHERE confrelid = parent AND contype = 'f' AND conparentid = 0
            LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', pointing.owner, pointing.conname);
                restore := restore || format('ALTER TABLE %s ADD CONSTRAINT %I %s',
                                             pointing.owner, pointing.conname, pointing.definition);
            END LOOP;
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', fallback);
            EXECUTE format('WITH gone AS (DELETE FROM %s WHERE %I >= %s AND %I < %s RETURNING %s)'
                           ' INSERT INTO %s (%s) SELECT %s FROM gone',
                           fallback, key, lower, key, upper, columns, child, columns, columns);
            EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', fallback);
        END IF;
        EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
                       place, base, child, lower, upper);
        PERFORM ims_copy_triggers(parent, child::regclass);
        made := made + 1;
    END LOOP;
    FOREACH child IN ARRAY restore LOOP
        EXECUTE child;
    END LOOP;
    RETURN made;
END $$;
