const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

/**
 * Headers that clients, browsers and proxies add, with values of each: none changes what a call means. Not among them
 * are headers about the transfer, such as Expect and Accept-Encoding, and those that a server may take as a condition.
 */
export const EXTRA_HEADERS: Readonly<Record<string, readonly string[]>> = {
  "user-agent": [
    "connect-es/2.1.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "App (iPhone; iOS 17.5; Scale/3.00)",
    "curl/8.5.0",
    "Dalvik/2.1.0 (Linux; U; Android 14; Build/UP1A)",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "",
  ],
  accept: [
    "*/*",
    "application/json",
    "application/proto",
    "application/json, text/plain, */*",
    "text/html,application/xhtml+xml;q=0.9",
    "image/avif",
    "application/grpc",
    "",
  ],
  "accept-language": ["en", "de-CH, de;q=0.9, en;q=0.8, *;q=0.5", "zh-Hans-CN", "en_US", "*", "C", "x-none"],
  "accept-charset": ["utf-8", "iso-8859-1, utf-8;q=0.7, *;q=0.1"],
  cookie: [
    "a=1",
    'session=d41d8cd98f; theme="dark"; user=nobody',
    `id=${TRACE_ID}; _ga=GA1.2.3.4; empty=`,
    "=x; a b; %zz=%",
  ],
  traceparent: [`00-${TRACE_ID}-00f067aa0ba902b7-01`, `00-${TRACE_ID}-00f067aa0ba902b7-00`],
  tracestate: ["vendor=00f067aa0ba902b7,other=t61rcWkgMzE"],
  baggage: ["user=nobody,session=1"],
  "x-request-id": ["1", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
  "x-correlation-id": ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
  "x-requested-with": ["XMLHttpRequest"],
  "x-client-version": ["1.2.3 (456)"],
  "x-device-id": ["phone-1", "tablet"],
  "x-b3-traceid": ["80f198ee56343ba864fe8b2a57d3eff7"],
  origin: ["https://app.example", "null", "capacitor://localhost", "http://localhost:3000"],
  referer: ["https://app.example/chat?id=1", "about:client"],
  "sec-fetch-site": ["same-origin", "none"],
  "sec-fetch-mode": ["cors"],
  "sec-fetch-dest": ["empty"],
  "sec-ch-ua-platform": ['"Android"'],
  dnt: ["1"],
  priority: ["u=1, i", "u=3"],
  "cache-control": ["no-cache", "max-age=0"],
  pragma: ["no-cache"],
  "connect-protocol-version": ["1"],
  "connect-timeout-ms": ["600000", "3600000", "86400000"],
  from: ["someone@mail.example"],
  "x-unknown": ["", 'anything at all, with ; and = and "quotes"'],
};

/** Short headers with names that no one knows: together a few hundred bytes, but more lines than usual. */
export const MANY_HEADERS: readonly (readonly [name: string, value: string])[] = Array.from({ length: 40 }, (_, n) => [
  `x-h${n + 1}`,
  "1",
]);
