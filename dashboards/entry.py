import streamlit as st

st.title("hello")
st.write(list(st.context.cookies))
