from revops.local.cli import main

raise SystemExit(main())
