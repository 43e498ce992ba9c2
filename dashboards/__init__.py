"""What people SEE: Streamlit views that read metrics and never compute them."""
