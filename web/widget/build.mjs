// Makes dist/ of src/: minified, of the same bytes on every machine.
//
//   node build.mjs           writes it
//   node build.mjs --check   fails when what is there is something else
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

/** Style sheets are text, put into shadow roots. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const options = { loader: "css", minify: true, target: "es2022" };
      const { code } = await transform(await readFile(path, "utf8"), options);
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  absWorkingDir: import.meta.dirname,
  plugins: [styles],
  write: false,
};

const outputs = [
  // What pages load with a script tag.
  { entryPoints: ["src/widget.js"], outfile: "dist/widget.js", format: "iife" },
  // What a bundler loads.
  { entryPoints: ["src/index.js"], outfile: "dist/index.js", format: "esm", external: ["./panel.js"] },
  // What either loads when a reader is about to ask.
  { entryPoints: ["src/panel.js"], outfile: "dist/panel.js", format: "esm" },
];

const check = process.argv.includes("--check");
for (const output of outputs) {
  const { outputFiles } = await build({ ...common, ...output });
  const { path, contents } = outputFiles[0];
  if (check) {
    const there = await readFile(path).catch(() => Buffer.of());
    if (!there.equals(contents)) {
      console.error(`${output.outfile} is not what src/ makes: npm run build`);
      process.exitCode = 1;
    }
  } else {
    await writeFile(path, contents);
  }
  const gzip = gzipSync(contents, { level: 9 }).length;
  console.log(`${output.outfile} ${contents.length} B, ${gzip} B gzip`);
}
