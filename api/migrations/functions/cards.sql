-- Whether a text could be the number of a payment card: 12 to 19 digits, blanks and dashes aside, whose last one is the
-- check digit of ISO/IEC 7812 (Luhn). '4111 1111 1111 1111' is one; of other numbers of that length, one in ten is.
CREATE FUNCTION ims_looks_like_card(given text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(given, '[ -]', '', 'g') ~ '^[0-9]{12,19}$' AND (
    SELECT sum(CASE WHEN place % 2 = 1 THEN digit ELSE digit * 2 - CASE WHEN digit > 4 THEN 9 ELSE 0 END END) % 10 = 0
      FROM (SELECT place, substr(reverse(regexp_replace(given, '[^0-9]', '', 'g')), place::integer, 1)::integer AS digit
              FROM generate_series(1, length(regexp_replace(given, '[^0-9]', '', 'g'))) AS place) AS digits);
