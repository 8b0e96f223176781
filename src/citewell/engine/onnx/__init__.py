"""Models that run in this process on onnxruntime: their files, tokenizers and sessions."""
