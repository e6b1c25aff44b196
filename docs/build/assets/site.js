/* The player of the worked examples, and scrollable boxes. Nothing is loaded over the network. */

for (const player of document.querySelectorAll(".player")) {
  const steps = [...player.querySelectorAll("svg [data-step]")];
  const lines = [...player.querySelectorAll("li[data-step]")];
  const [back, next] = player.querySelectorAll("button");
  let at = 1;
  const show = (step) => {
    at = Math.min(Math.max(step, 1), lines.length);
    for (const it of steps) {
      it.classList.toggle("later", Number(it.dataset.step) > at);
      it.classList.toggle("now", Number(it.dataset.step) === at);
    }
    for (const it of lines) it.hidden = Number(it.dataset.step) !== at;
    player.querySelector(".count").textContent = `Step ${at} of ${lines.length}`;
    back.disabled = at === 1;
    next.disabled = at === lines.length;
  };
  for (const button of [back, next]) button.addEventListener("click", () => show(at + Number(button.dataset.go)));
  player.addEventListener("keydown", (event) => {
    const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 1, End: lines.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(step);
  });
  player.querySelector(".bar").hidden = false;
  player.classList.add("playing");
  show(1);
}

/* Boxes that scroll sideways must be reachable by keyboard. */
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll("pre, .wide, figure.diagram, .player .stage")) observer.observe(box);
