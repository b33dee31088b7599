"""ViT Lab's front door: which screens there are, and the frame around them.

Streamlit meets this file twice. ``streamlit run app.py`` imports it when the server starts and serves ``app``; each
visit then runs it as ``__main__``. The navigation is declared both times: declaring it at the start tells Streamlit
not to treat ``pages/`` in its own old way, in which a first visit to /train would be shown without the frame.
"""

import streamlit as st

from pages.shared import frame, guard, server

with server.without_false_alarms():
    frame.configure()
    page = st.navigation(
        {
            "": [st.Page("pages/start/page.py", title="Start", icon=":material/home:", url_path="start", default=True)],
            "Build": [
                st.Page("pages/train/page.py", title="Train", icon=":material/model_training:", url_path="train"),
                st.Page("pages/runs/page.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
                st.Page(
                    "pages/experiments/page.py", title="Experiments", icon=":material/science:", url_path="experiments"
                ),
                st.Page("pages/data/page.py", title="Data", icon=":material/photo_library:", url_path="data"),
            ],
            "Look inside": [
                st.Page("pages/predict/page.py", title="Predict", icon=":material/image_search:", url_path="predict"),
                st.Page(
                    "pages/attention/page.py",
                    title="Attention",
                    icon=":material/center_focus_strong:",
                    url_path="attention",
                ),
                st.Page("pages/evaluate/page.py", title="Evaluate", icon=":material/fact_check:", url_path="evaluate"),
            ],
            "Understand": [
                st.Page("pages/learn/page.py", title="Learn", icon=":material/school:", url_path="learn"),
            ],
        }
    )

if __name__ == "__main__":
    frame.draw(page)
    page.run()
else:
    server.warm_up("pages.runs.actions", "pages.runs.comparison", "pages.train.live.screen")
    app = st.App(__file__, routes=server.routes(), middleware=guard.middleware())
