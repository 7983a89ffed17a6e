// What the flame graph page does in the browser. Draws only frames that are at least a pixel wide where the reader has
// zoomed to; everything that came from the profile is shown through textContent.
export const pageScript = `"use strict";
(() => {
  const rowHeight = 20;
  const data = JSON.parse(document.getElementById("profile").textContent);
  const graph = document.getElementById("graph");
  const details = document.getElementById("details");
  const search = document.getElementById("search");
  const matched = document.getElementById("matched");
  const unpack = ([name, kind, samples, children], parent, depth) => {
    const node = { name: data.texts[name], kind: data.kinds[kind], samples, parent, depth };
    node.children = children.map((child) => unpack(child, node, depth + 1));
    return node;
  };
  const root = unpack(data.tree, null, 0);
  let zoomed = root;
  let focused = root;
  let elements = new Map();

  const percent = (part, whole) => (whole === 0 ? 0 : (100 * part) / whole).toFixed(1) + " %";
  const isMatch = (node) => search.value !== "" && node.depth > 0 && node.name.toLowerCase().includes(search.value.toLowerCase());
  const describe = (node) => {
    const own = node.samples - node.children.reduce((sum, child) => sum + child.samples, 0);
    const inView = zoomed === root || node.depth < zoomed.depth ? "" : ", " + percent(node.samples, zoomed.samples) + " of the view";
    return node.name + ": " + node.samples + " samples, " + percent(node.samples, root.samples) + " of all" + inView + ", itself " + percent(own, root.samples);
  };

  function place(node, left, width, isAbove) {
    const element = document.createElement("div");
    element.className = "frame " + node.kind + (isAbove ? " above" : "") + (isMatch(node) ? " matched" : "") + (width < 24 ? " narrow" : "");
    element.style.left = left + "px";
    element.style.top = node.depth * rowHeight + "px";
    element.style.width = width + "px";
    if (width >= 24) element.textContent = node.name;
    element.setAttribute("role", "treeitem");
    element.setAttribute("aria-level", String(node.depth + 1));
    element.setAttribute("aria-label", describe(node));
    element.tabIndex = node === focused ? 0 : -1;
    element.addEventListener("click", () => zoom(node));
    element.addEventListener("mouseenter", () => { details.textContent = describe(node); });
    element.addEventListener("focus", () => { focused = node; details.textContent = describe(node); });
    graph.append(element);
    elements.set(node, element);
    return node.depth;
  }

  function placeBelow(node, left, width) {
    let deepest = place(node, left, width, false);
    let at = left;
    for (const child of node.children) {
      const childWidth = (width * child.samples) / node.samples;
      if (childWidth >= 1) deepest = Math.max(deepest, placeBelow(child, at, childWidth));
      at += childWidth;
    }
    return deepest;
  }

  function draw() {
    graph.replaceChildren();
    elements = new Map();
    const width = graph.clientWidth;
    for (let above = zoomed.parent; above; above = above.parent) place(above, 0, width, true);
    const deepest = placeBelow(zoomed, 0, width);
    graph.style.height = (deepest + 1) * rowHeight + "px";
    if (!elements.has(focused)) focused = zoomed;
    elements.get(focused).tabIndex = 0;
    graph.classList.toggle("searching", search.value !== "");
    matched.textContent = search.value === "" ? "" : percent(samplesOfMatches(root), root.samples) + " of all samples";
  }

  // A match below a match is counted once.
  function samplesOfMatches(node) {
    if (isMatch(node)) return node.samples;
    return node.children.reduce((sum, child) => sum + samplesOfMatches(child), 0);
  }

  function focus(node) {
    const element = node && elements.get(node);
    if (!element) return;
    elements.get(focused).tabIndex = -1;
    element.tabIndex = 0;
    element.focus();
    element.scrollIntoView({ block: "nearest" });
  }

  function zoom(node) {
    zoomed = node;
    focused = node;
    draw();
    focus(node);
  }

  const sibling = (node, step) => {
    const all = node.parent ? node.parent.children.filter((child) => elements.has(child)) : [];
    return all[all.indexOf(node) + step];
  };
  const moves = {
    ArrowDown: () => focus(focused.children.find((child) => elements.has(child))),
    ArrowUp: () => focus(focused.parent),
    ArrowRight: () => focus(sibling(focused, 1)),
    ArrowLeft: () => focus(sibling(focused, -1)),
    Home: () => focus(root),
    Enter: () => zoom(focused),
    " ": () => zoom(focused),
  };
  graph.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      search.value = "";
      zoom(root);
    }
  });
  search.addEventListener("input", draw);
  document.getElementById("reset").addEventListener("click", () => {
    search.value = "";
    zoom(root);
  });
  addEventListener("resize", draw);
  draw();
})();
`;
