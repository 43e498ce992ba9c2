-- A reversal that somebody posted says which move it takes back. An import's corrections of sales take back no one move.
SELECT r.stock_move_id, r.moved_on
FROM stock_moves AS r
LEFT JOIN stock_move_reversals AS v ON v.reversal_move_id = r.stock_move_id
WHERE r.kind = 'reversal' AND r.posted_by IS NOT NULL AND v.reversal_move_id IS NULL
