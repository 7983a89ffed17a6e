// Holds the handles that its parent sends, until the parent goes.
process.on("message", () => process.send("held"));
process.on("disconnect", () => process.exit());
