import gradio as gr


def visit(count: float) -> tuple[float, str]:
    return count + 1, f"visits: {int(count) + 1}"


with gr.Blocks(title="Gradio") as demo:
    gr.Markdown("# Gradio")
    count = gr.State(0)
    visits = gr.Textbox("visits: 0", label="Visits", elem_id="visits")
    gr.Button("Visit", elem_id="visit").click(visit, count, [count, visits])

demo.launch()
