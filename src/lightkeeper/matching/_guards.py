HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "pdq": 64}
