// Uses the demo's page as a person would, and takes its picture: node shoot.mjs PAGE FOLDER CHROMIUM
//
// What lives here knows the page's elements. It must not know the broker behind it.

import { join } from "node:path";

const [, , page, folder, executablePath] = process.argv;
const { chromium } = await import(join(process.cwd(), "node_modules/playwright-core/index.mjs"));

const SCREENS = {
  desktop: { viewport: { width: 1200, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true },
};
const TEAS = ["Assam", "Ceylon", "Darjeeling", "Earl Grey"];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const complaints = [];
try {
  for (const [name, screen] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ ...screen, colorScheme, reducedMotion: "reduce" });
      const view = await context.newPage();
      view.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      view.on("pageerror", (error) => complaints.push(String(error)));
      await use(view, name === "phone" ? "stompjs-xhr-streaming" : "websocket");
      if (name === "phone") await view.evaluate(() => window.scrollTo(0, 0));
      await view.screenshot({ path: join(folder, `demo-${name}-${colorScheme}.png`) });
      if (name === "phone" && colorScheme === "light") {
        await view.locator("#messages-title").scrollIntoViewIfNeeded();
        await view.evaluate(() => document.getElementById("chart-title").scrollIntoView());
        await view.screenshot({ path: join(folder, `demo-${name}-below.png`) });
      }
      await settleAll(view);
      await view.locator("#disconnect").click();
      await view.locator("body[data-state=disconnected]").waitFor();
      await context.close();
    }
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(`the browser complains: ${complaint}`);
process.exitCode = complaints.length === 0 ? 0 : 1;

async function use(view, transport) {
  await view.goto(page);
  await view.locator("body[data-libraries=all]").waitFor();
  await view.locator("#transport").selectOption(transport);
  await view.locator("#connect").click();
  await view.locator("body[data-state=connected]").waitFor();
  await subscribe(view, "/queue/demo.page", "client-individual");
  for (const tea of TEAS) await send(view, "/queue/demo.page", tea);
  await subscribe(view, "/topic/demo.ticks", "auto");
  await view.waitForTimeout(6_000);
  await view.locator("#subscriptions li[data-destination='/topic/demo.ticks'] button").click();
  await view.waitForTimeout(300);
  await send(view, "/topic/demo.chat", "Good morning from the page");
  const queue = view.locator("#messages li[data-destination='/queue/demo.page']");
  for (const tea of [...TEAS].reverse()) await send(view, "/queue/demo.page", `${tea} again`);
  await queue.filter({ hasText: "Assam again" }).locator("button.nack").click();
  await queue.filter({ hasText: "redelivered" }).first().waitFor();
  await queue.filter({ hasText: "Ceylon again" }).locator("button.ack").click();
  await view.waitForTimeout(1_200);
}

async function settleAll(view) {
  const buttons = view.locator("#messages button.ack");
  while ((await buttons.count()) > 0) await buttons.first().click();
}

async function subscribe(view, destination, ack) {
  await view.locator("#destination").fill(destination);
  await view.locator("#ack").selectOption(ack);
  await view.locator("#subscribe").click();
}

async function send(view, destination, body) {
  await view.locator("#send-destination").fill(destination);
  await view.locator("#body").fill(body);
  await view.locator("#body").press("Enter");
  await view.locator("#sent", { hasText: "confirmed" }).waitFor();
}
