"""Why a suggestion says what it says: sentences, a chart in letters, its receipt replayed, other quantities priced."""
