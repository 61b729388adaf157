"""The processes of `huisuan up`: started, watched, restarted."""
