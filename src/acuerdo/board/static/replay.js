// The last change again: from the scenario before it to the one on the page, so that a room sees what moved.

import { calm } from "./dom.js";
import { t } from "./words.js";

const WAIT = 700;
const MOVE = 1600;

const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
const between = (from, to, share) => from.map((value, i) => value + (to[i] - value) * share);

function mixed(from, to, share) {
  return Object.fromEntries(Object.keys(to).map((q) => [q, between(from[q], to[q], share)]));
}

/** Draw every chart between two answers; share 0 is the first, 1 the second. */
function draw(board, before, after, share) {
  const first = new Map(before.lines.map((line) => [line.id, line]));
  const second = new Map(after.lines.map((line) => [line.id, line]));
  board.cards.forEach(({ chart }, i) => {
    const id = board.drawn.asked[i];
    const [from, to] = [first.get(id), second.get(id)];
    if (!from || !to) return;
    const scenario = from.scenario || to.scenario ? mixed(from.scenario ?? from.baseline, to.scenario ?? to.baseline, share) : null;
    chart.draw({ ...chart.data, months: after.months, baseline: mixed(from.baseline, to.baseline, share), scenario });
  });
}

/** Replay the last change; without one, or while another replay runs, nothing happens. */
export async function replay(board) {
  const kept = board.scenario.before.at(-1);
  if (!kept || board.replaying || !board.answer) return;
  board.replaying = true;
  const after = board.answer;
  const drawn = board.drawn;
  try {
    const { months, lines } = board.scenario.now; // the same months and charts, so that they can be seen to move
    const asked = { ...board.scenario.asked({ ...JSON.parse(kept), months, lines }), client: board.client };
    const before = await board.fetch("/api/run", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked) });
    const still = () => board.answer === after && board.drawn === drawn;
    if (!still()) return;
    board.notice(t("replay.before"), true);
    draw(board, before, after, 0);
    await wait(WAIT);
    if (calm()) await wait(WAIT);
    else {
      const start = performance.now();
      for (let share = 0; share < 1 && still(); ) {
        await new Promise(requestAnimationFrame);
        share = Math.min((performance.now() - start) / MOVE, 1);
        if (still()) draw(board, before, after, share * share * (3 - 2 * share));
      }
    }
    if (still()) {
      board.draw();
      board.notice(t("replay.now"), true);
    }
  } catch (problem) {
    board.notice(t("failed", { reason: problem.message }));
  } finally {
    board.replaying = false;
  }
}
