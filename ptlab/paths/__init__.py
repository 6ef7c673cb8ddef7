"""The kernel paths: one kernel operation in each file, told as steps, under the kernel's names."""
