-- %(customers)s customers with a patient each, spread over the stores.
CREATE TEMP TABLE bench_people ON COMMIT DROP AS
SELECT n, first || ' ' || last AS full_name, lower(first) || '.' || lower(last) || n || '@example.com' AS email,
       '+91' || (9000000000 + (n * 7919::bigint) %% 999999937)::text AS mobile,
       (SELECT min(store_id) FROM stores WHERE store_code LIKE 'B%%') + (n * 31) %% %(stores)s AS store_id
  FROM (SELECT n, (ARRAY['Aarav', 'Aditi', 'Ananya', 'Arjun', 'Asha', 'Bhavna', 'Chetan', 'Deepak', 'Diya', 'Farhan',
                         'Gauri', 'Harish', 'Isha', 'Jaya', 'Kabir', 'Kavita', 'Lakshmi', 'Manish', 'Meera', 'Mohan',
                         'Naveen', 'Neha', 'Nikhil', 'Pooja', 'Pranav', 'Priya', 'Rahul', 'Rekha', 'Rohan', 'Sanjay',
                         'Sarita', 'Shreya', 'Sunil', 'Tanvi', 'Uday', 'Varun', 'Vidya', 'Vikram', 'Yash', 'Zoya'])
                  [1 + (n * 17) %% 40] AS first,
               (ARRAY['Agarwal', 'Bajaj', 'Banerjee', 'Bhat', 'Chatterjee', 'Chopra', 'Das', 'Desai', 'Deshmukh', 'Dutta',
                      'Fernandes', 'Ghosh', 'Gill', 'Goswami', 'Gupta', 'Iyer', 'Jain', 'Jha', 'Joshi', 'Kamat', 'Kapoor',
                      'Khan', 'Kulkarni', 'Kumar', 'Malhotra', 'Mehta', 'Menon', 'Mishra', 'Mukherjee', 'Nair', 'Naidu',
                      'Pandey', 'Patel', 'Patil', 'Pillai', 'Rao', 'Reddy', 'Saxena', 'Sen', 'Shah', 'Sharma', 'Shetty',
                      'Singh', 'Sinha', 'Srinivasan', 'Thomas', 'Tiwari', 'Varma', 'Verma', 'Yadav'])
                  [1 + n / 40 %% 50] AS last
          FROM generate_series(1, %(customers)s) AS n) AS named;

INSERT INTO customers (customer_code, full_name, mobile, email, city, home_store_id)
SELECT 'BC' || lpad(n::text, 8, '0'), full_name, mobile, email, 'Mumbai', store_id FROM bench_people ORDER BY n;

INSERT INTO patients (customer_id, full_name, born_on, gender)
SELECT customer_id, full_name, '1950-01-01'::date + (customer_id * 37 %% 22000)::integer,
       (ARRAY['female', 'male'])[1 + customer_id %% 2]
  FROM customers WHERE customer_code LIKE 'BC%%' ORDER BY customer_id;
