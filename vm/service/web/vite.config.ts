// Build of the page: fixed file names, as the program embeds them, and nothing inline.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  build: {
    target: "es2021",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/page.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: (asset) => (asset.names.includes("index.css") ? "assets/page.css" : "assets/[name][extname]"),
      },
    },
  },
});
