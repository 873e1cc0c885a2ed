import streamlit as st

st.title("Streamlit")
st.session_state.setdefault("visits", 0)
if st.button("Visit"):
    st.session_state.visits += 1
st.write(f"visits: {st.session_state.visits}")
