"""Entry point for Streamlit Community Cloud: app.py without Gradio.

That host takes the requirements.txt that lies beside the entry point.
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
