-- Search over products and customers: by whole words, by their beginnings, by parts of them, and with one slip of the
-- pen. Full text and trigrams, both on GIN indexes of core PostgreSQL: pg_trgm is not on every server.
-- What is indexed is text in lower case whose words, of letters and digits, stand between single blanks.

-- The words of a text: 'Ray-Ban RB 3025' -> 'ray ban rb 3025'.
CREATE FUNCTION ims_words(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(lower(given), '[^[:alnum:]]+', ' ', 'g'));

-- A code is also found when typed without what divides its parts: 'RB-3025' -> 'rb 3025 rb3025'.
CREATE FUNCTION ims_code_words(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ims_words(given) || CASE WHEN given ~ '[^[:alnum:]]'
                           THEN ' ' || regexp_replace(lower(given), '[^[:alnum:]]+', '', 'g') ELSE '' END;

CREATE FUNCTION ims_product_text(sku text, name text, brand text, model text, barcode text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ims_code_words(sku) || ' ' || ims_words(name) || coalesce(' ' || ims_words(brand), '')
       || coalesce(' ' || ims_code_words(model), '') || coalesce(' ' || ims_words(barcode), '');

CREATE FUNCTION ims_customer_text(full_name text, mobile text, email text, customer_code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ims_code_words(customer_code) || coalesce(' ' || ims_words(full_name), '')
       || coalesce(' ' || ims_words(mobile), '') || coalesce(' ' || ims_words(email), '');

-- The runs of three characters of words, with a blank before and after each: 'ab cde' -> ' ab', 'ab ', ' cd', 'cde',
-- 'de '. Runs across two words are left out.
CREATE FUNCTION ims_trigrams(words text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(array_agg(DISTINCT substr(padded, place, 3)), '{}')
          FROM (SELECT ' ' || words || ' ' AS padded) AS given,
               generate_series(1, length(padded) - 2) AS place
         WHERE substr(padded, place + 1, 1) <> ' ');

-- The same in the order they come, without the blanks where `is_inside`: for what may stand anywhere in a word.
CREATE FUNCTION ims_trigrams_in_order(words text, is_inside boolean) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(array_agg(substr(padded, place, 3) ORDER BY place), '{}')
          FROM (SELECT ' ' || words || ' ' AS padded) AS given,
               generate_series(1, length(padded) - 2) AS place
         WHERE CASE WHEN is_inside THEN strpos(substr(padded, place, 3), ' ') = 0
                    ELSE substr(padded, place + 1, 1) <> ' ' END);

-- The rows of a table whose words match, best first: by the share of the wanted trigrams and beginnings of words that a
-- row has, then the newest.
-- Each way of matching is tried only when the ones before found fewer rows than are asked for, and looks at a bounded
-- number of rows: two letters that begin half of all names answer as fast as a full name. A LIMIT would make the planner
-- hope for early finds in the table itself, hence no sequential scan.
-- `here`, a condition, limits what is given to rows in reach, among the first few thousand that match.
CREATE FUNCTION ims_find(target regclass, key name, words text, here text, wanted text, max_rows integer)
RETURNS TABLE (found_id bigint, score real)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    looked_for text := left(ims_words(wanted), 100);
    -- what a row is ranked by: runs, and the beginnings of words, which weigh more where an initial stands alone
    marks text[] := ims_trigrams(looked_for)
                    || ARRAY(SELECT ' ' || word FROM unnest(string_to_array(looked_for, ' ')) AS word);
    inside text[] := ims_trigrams_in_order(looked_for, true);
    in_order text[] := (ims_trigrams_in_order(looked_for, false))[1 : 30];
    long text[];
    vector text := format('to_tsvector(''simple''::regconfig, %s)', words);
    ways text[];
    way text;
    slip text;
    stride integer;
    ids bigint[] := '{}';
    more bigint[];
BEGIN
    -- a single letter beside a longer word only ranks: as a beginning it would match most rows
    SELECT array_agg(word) INTO long FROM (
        SELECT word, length(word) > 1 AS is_long, bool_or(length(word) > 1) OVER () AS has_long
          FROM unnest(string_to_array(nullif(looked_for, ''), ' ')) AS word) AS each_word
     WHERE is_long OR NOT has_long;
    IF long IS NULL THEN
        RETURN;
    END IF;
    ways := ARRAY[
        format('%s @@ to_tsquery(''simple'', %L)', vector, array_to_string(long, ' & ')),
        format('%s @@ to_tsquery(''simple'', %L)', vector, array_to_string(long, ':* & ') || ':*')];
    IF cardinality(inside) > 0 THEN
        -- parts of words: all the wanted runs, then the words themselves, since runs may come from several places
        SELECT ways || format('ims_trigrams(%s) @> %L::text[] AND %s', words, inside,
                              string_agg(format('strpos(%s, %L) > 0', words, word), ' AND '))
          INTO ways FROM unnest(long) AS word;
    END IF;
    IF cardinality(in_order) >= 5 AND looked_for ~ '[[:alpha:]]' THEN
        -- a letter wrong, missing or too many touches at most three runs that follow each other: they are left out in
        -- turn, four at once where many are left; in a number, one wrong digit is another number
        stride := CASE WHEN cardinality(in_order) < 9 THEN 1 ELSE 2 END;
        SELECT string_agg(format('ims_trigrams(%s) @> %L::text[]', words,
                                 in_order[1 : place - 1] || in_order[place + 2 + stride : 30]), ' OR ')
          INTO slip FROM generate_series(1, cardinality(in_order) - 2, stride) AS place;
        ways := ways || slip;
    END IF;
    FOREACH way IN ARRAY ways LOOP
        EXIT WHEN cardinality(ids) >= max_rows OR (cardinality(ids) > 0 AND way = slip);
        EXECUTE format('SELECT array_agg(%1$I) FROM (SELECT %1$I FROM (SELECT * FROM %2$s WHERE %3$s LIMIT 5000) AS %2$s'
                       ' WHERE %4$s LIMIT %5$s) AS few',
                       key, target, way, coalesce(here, 'true'), greatest(max_rows, 200)) INTO more;
        ids := ids || ARRAY(SELECT unnest(more) EXCEPT SELECT unnest(ids));
    END LOOP;
    RETURN QUERY EXECUTE format(
        'SELECT %1$I, (SELECT avg((strpos(has, mark) > 0)::integer)::real FROM unnest($1) AS mark)'
        '  FROM (SELECT %1$I, '' '' || %2$s || '' '' AS has FROM %3$s WHERE %1$I = ANY ($2) OFFSET 0) AS few'
        ' ORDER BY 2 DESC, 1 DESC LIMIT $3', key, words, target)
        USING marks, ids, max_rows;
END $$;

CREATE FUNCTION ims_find_products(wanted text, max_rows integer) RETURNS TABLE (product_id bigint, score real)
LANGUAGE sql STABLE ROWS 50 AS $$
    SELECT * FROM ims_find('products', 'product_id', 'ims_product_text(sku, name, brand, model, barcode)', NULL,
                           wanted, max_rows)
$$;

-- The customers of the stores that the transaction says are in its reach (`ims.store_ids`: '*', or '{1,2}'): whose home
-- is there, or who ordered there. Of a transaction that says nothing, nobody.
CREATE FUNCTION ims_find_customers(wanted text, max_rows integer) RETURNS TABLE (customer_id bigint, score real)
LANGUAGE sql STABLE ROWS 50 AS $$
    SELECT found.* FROM nullif(current_setting('ims.store_ids', true), '') AS stores,
    LATERAL ims_find('customers', 'customer_id', 'ims_customer_text(full_name, mobile, email, customer_code)',
        CASE WHEN stores <> '*' THEN format(
            '(home_store_id = ANY (%1$L::bigint[]) OR EXISTS (SELECT FROM sales_orders AS o'
            ' WHERE o.customer_id = customers.customer_id AND o.store_id = ANY (%1$L::bigint[])))', stores) END,
        wanted, max_rows) AS found
    WHERE stores IS NOT NULL
$$;
