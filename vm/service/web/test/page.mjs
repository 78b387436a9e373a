// Test of the page in Chromium: page.mjs URL [SCREENSHOTS]
//
// Fails unless each element shows live data of the machine at URL, the keys do what the help says,
// and the page fits its window. With SCREENSHOTS, a folder, it takes pictures there.

import assert from "node:assert/strict";
import path from "node:path";
import { chromium } from "playwright-core";

const [url, screenshots] = process.argv.slice(2);
const PATIENCE = 120_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

/** A page whose first snapshot is shown. Errors, such as violations of the page's policy, fail the test. */
async function open(width, height, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    // The two optional endpoints may be absent.
    const isAbsence = /404/.test(message.text()) && /alerts|pprof/.test(message.location().url);
    if (message.type() === "error" && !isAbsence) page.problems.push(message.text());
  });
  await page.goto(url);
  await page.locator(".link.live").waitFor();
  await page.locator(".figure-cell").first().waitFor();
  return page;
}

async function picture(page, name, fullPage = false) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage });
}

const text = (page, selector) => page.locator(selector).first().innerText();
const texts = (page, selector) => page.locator(selector).allInnerTexts();

/** Waits until `wanted` of the page's document is true. */
const until = (page, wanted, argument) => page.waitForFunction(wanted, argument, { timeout: PATIENCE });

/** Whether the width of the window is enough. */
async function fits(page) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(excess <= 0, `the page is ${excess} pixels too wide`);
}

/** Each element shows what the machine does. */
async function liveData(page) {
  const snapshot = await (await page.request.get(new URL("/api/v1/live", url).href)).json();
  const machine = snapshot.machines[0];
  assert.equal(await text(page, "h1"), machine.name);
  assert.equal(await text(page, ".state"), "running");
  assert.match((await texts(page, ".machine-head .facts li")).join(" "), /tiered 1 hart 64.MiB up \d\d:\d\d:\d\d/);

  const figures = await texts(page, ".figure-cell");
  for (const [index, wanted] of [/Guest speed\s+[1-9]/, /Host CPU\s+\d/, /Compiled\s/, /Hotspots\s/].entries()) {
    assert.match(figures[index], wanted);
  }
  const before = await text(page, ".figure-cell b");
  await until(page, (old) => document.querySelector(".figure-cell b").innerText !== old, before);

  // Both charts have drawn something in the colours of their lines.
  for (const chart of ["speed", "rates"]) {
    await until(page, (id) => !document.querySelector(`.${id} .note`).innerText.includes("–"), chart);
    const colours = await page.evaluate((id) => {
      const canvas = document.querySelector(`.${id} canvas`);
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      const seen = new Set();
      for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] > 0) seen.add(pixels.slice(at, at + 3).join());
      return seen.size;
    }, chart);
    assert.ok(colours > 3, `the chart ${chart} is empty`);
  }

  assert.equal((await texts(page, ".tiers tbody tr")).length, 3);
  assert.match(await text(page, ".tiers tbody"), /interpreter[\s\S]*baseline[\s\S]*optimised/);
  assert.match(await text(page, ".tiers .note"), /of 96.MiB/);
  assert.equal((await texts(page, ".harts tbody tr")).length, 1);
  assert.match(await text(page, ".harts .meters"), /code\s+\d/);
  await until(page, () => /interrupts\s+[1-9]/.test(document.querySelector(".harts").innerText));

  // The histogram has as many blocks as the metrics, or more, as it is younger.
  const metrics = await (await page.request.get(new URL("/metrics", url).href)).text();
  const counted = [...metrics.matchAll(/^riscope_jit_block_guest_bytes_count\S* (\d+)$/gm)];
  const blocks = counted.reduce((sum, [, number]) => sum + Number(number), 0);
  assert.ok(blocks > 0, metrics);
  await until(page, (least) => parseInt(document.querySelector(".sizes .note").innerText, 10) >= least, blocks);
  assert.ok((await page.locator(".sizes .part.tier-baseline").count()) > 4);

  await until(page, () => document.querySelectorAll(".blocks tbody tr").length > 3);
  assert.match(await text(page, ".blocks tbody tr"), /0x[0-9a-f]+[\s\S]*(baseline|optimised)[\s\S]*\d/);
  await until(page, () => document.querySelector(".log").innerText.includes("hotspot_detected"));
  const events = (await texts(page, ".log li")).join("\n");
  assert.match(events, /vm\.created/);
  assert.match(events, /booting → running|created → /);
  await until(page, () => /round \d/.test(document.querySelector(".console pre").innerText));
}

/** The optional panels are there exactly if their endpoints are. */
async function optionalPanels(page) {
  for (const [panel, path] of [["alerts", "/api/v1/alerts"], ["profile", "/debug/pprof/guest?seconds=1&format=folded"]]) {
    const { status } = await page.evaluate(async (at) => ({ status: (await fetch(at)).status }), path);
    if (status === 404) assert.ok(await page.locator(`.${panel}`).isHidden(), panel);
    if (status === 200) await page.locator(`.${panel}`).waitFor({ state: "visible" });
  }
}

/** The keys do what the help says. */
async function keys(page) {
  await page.keyboard.press("p");
  assert.equal(await text(page, ".link"), "paused");
  const paused = await text(page, ".now");
  await new Promise((done) => setTimeout(done, 2500));
  assert.equal(await text(page, ".now"), paused, "the page is paused");
  await page.keyboard.press("p");
  await until(page, (old) => document.querySelector(".now").innerText !== old, paused);

  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.keyboard.press("t");
  assert.notEqual(await ground(), light, "the theme changes");
  await page.reload();
  await page.locator(".figure-cell").first().waitFor();
  assert.notEqual(await ground(), light, "the theme is remembered");
  await page.keyboard.press("t");
  assert.equal(await ground(), light);

  await page.keyboard.press("?");
  assert.ok(await page.locator("dialog.help").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("dialog.help").isHidden());

  await until(page, () => document.querySelectorAll(".log li").length > 0);
  await page.keyboard.press("e");
  assert.doesNotMatch((await texts(page, ".log li")).join("\n"), /hotspot_detected/);
  await page.keyboard.press("e");
  await page.keyboard.press("w");

  // All buttons can be reached without a mouse.
  const reached = new Set();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.innerText));
  }
  for (const name of ["Pause", "Theme", "Help"]) {
    assert.ok([...reached].some((label) => label?.startsWith(name)), `${name} cannot be reached: ${[...reached]}`);
  }
}

try {
  const page = await open(1280, 900, "light");
  await liveData(page);
  await optionalPanels(page);
  await fits(page);
  await picture(page, "light");
  await keys(page);
  assert.deepEqual(page.problems, []);
  const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.context().close();

  const dark = await open(1280, 900, "dark");
  assert.notEqual(await dark.evaluate(() => getComputedStyle(document.body).backgroundColor), light);
  await fits(dark);
  await picture(dark, "dark", true);
  assert.deepEqual(dark.problems, []);
  await dark.context().close();

  const narrow = await open(390, 844, "light");
  await until(narrow, () => document.querySelectorAll(".blocks tbody tr").length > 3);
  await fits(narrow);
  await picture(narrow, "narrow", true);
  assert.deepEqual(narrow.problems, []);
  console.log("the page shows live data");
} finally {
  await browser.close();
}
